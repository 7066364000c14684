"""How a metric is declared: once, in a row of a class body; each instance gets its own."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Generic, Literal, TypeVar, overload

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from whatchat.observability.loop_histogram import LoopHistogram

M = TypeVar("M", bound=Counter | Gauge | Histogram | LoopHistogram)
Kind = Literal["counter", "gauge", "histogram"]

_SUFFIXED: Final = frozenset({"seconds", "bytes", "info"})
"""Units that a name ends with; of what is counted the name says it by itself."""

NO_LABELS: Final[Mapping[str, int]] = MappingProxyType({})


class Declared(Generic[M]):
    """A metric by its full name, ``unit`` and ``help``.

    ``labels`` says of each label how many values it has at most: what has no such number is no
    label. On the class it is the declaration, on an instance that instance's metric.
    """

    def __init__(
        self,
        kind: Kind,
        name: str,
        unit: str,
        help: str,  # noqa: A002 - what the format calls it
        make: Callable[..., M],
        labels: Mapping[str, int] = NO_LABELS,
        **options: Any,
    ) -> None:
        self.kind: Kind = kind
        self.name = name
        self.unit = unit
        self.help = help
        self.labels = labels
        self._make = make
        self._options = options

    @overload
    def __get__(self, holder: None, owner: type) -> "Declared[M]": ...

    @overload
    def __get__(self, holder: object, owner: type) -> M: ...

    def __get__(self, holder: object | None, owner: type) -> "Declared[M] | M":
        if holder is None:
            return self
        raise AttributeError(f"{self.name} is not made yet")

    @property
    def exposed(self) -> str:
        """Its name in the exposition, where counters end in ``_total``."""
        return f"{self.name}_total" if self.kind == "counter" else self.name

    @property
    def most_series(self) -> int:
        """How many label sets there are at most on one pod."""
        most = 1
        for values in self.labels.values():
            most *= values
        return most

    def made(self, registry: CollectorRegistry) -> M:
        """A metric of its own, in this registry."""
        unit = self.unit if self.unit in _SUFFIXED and self.name.endswith(self.unit) else ""
        return self._make(
            self.name,
            self.help,
            tuple(self.labels),
            registry=registry,
            unit=unit,
            **self._options,
        )


def counter(
    name: str,
    unit: str,
    help: str,  # noqa: A002
    **labels: int,
) -> Declared[Counter]:
    """A counter; ``name`` without ``_total``, ``class_`` stands for the label ``class``."""
    return Declared("counter", name, unit, help, Counter, _named(labels))


def gauge(name: str, unit: str, help: str, **labels: int) -> Declared[Gauge]:  # noqa: A002
    """A gauge."""
    return Declared("gauge", name, unit, help, Gauge, _named(labels))


def histogram(
    name: str,
    unit: str,
    help: str,  # noqa: A002
    buckets: tuple[float, ...],
    **labels: int,
) -> Declared[Histogram]:
    """A histogram with these upper bounds."""
    return Declared("histogram", name, unit, help, Histogram, _named(labels), buckets=buckets)


def loop_histogram(
    name: str,
    unit: str,
    help: str,  # noqa: A002
    buckets: tuple[float, ...],
    **labels: int,
) -> Declared[LoopHistogram]:
    """A histogram of what happens with every message, on the event loop alone."""
    return Declared("histogram", name, unit, help, LoopHistogram, _named(labels), buckets=buckets)


def _named(labels: Mapping[str, int]) -> Mapping[str, int]:
    return {name.rstrip("_"): most for name, most in labels.items()}
