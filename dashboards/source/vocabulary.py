"""Which metrics there are, with which labels, and which variables of a dashboard filter them."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, Self

import yaml
from prometheus_client.parser import text_fd_to_metric_families

from loadtests.swarm.views import figures
from whatchat.observability.metrics import declarations

EXPOSITIONS: Final = Path(__file__).parents[2] / "tests" / "fixtures" / "expositions"
"""What others export, as it was recorded: by these names alone it can be asked for."""

RULES: Final = Path(__file__).parents[1] / "rules"
"""What Prometheus records of all this, by names that begin with the labels that are left."""

PLACES: Final = frozenset({"cluster", "namespace", "pod", "job", "instance"})
"""What Prometheus adds to whatever it scrapes; the first three may be missing."""

EVERYWHERE: Final = ("cluster", "namespace", "pod")

_PROCESS: Final[Mapping[str, frozenset[str]]] = {
    "process_cpu_seconds_total": frozenset(),
    "process_max_fds": frozenset(),
    "process_open_fds": frozenset(),
    "process_resident_memory_bytes": frozenset(),
    "process_start_time_seconds": frozenset(),
    "python_gc_collections_total": frozenset({"generation"}),
    "up": frozenset(),
}
"""Of the libraries behind the product's exposition, and of Prometheus about it."""

_ALERTS: Final[Mapping[str, frozenset[str]]] = {
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
    "ALERTS_FOR_STATE": frozenset({"alertname", "severity"}),
}


class Vocabulary:
    """Metrics' names as they are exposed, each with the labels that are its own."""

    def __init__(
        self,
        own: Mapping[str, frozenset[str]],
        others: Mapping[str, frozenset[str]],
        load: Mapping[str, frozenset[str]],
        recorded: Collection[str],
    ) -> None:
        self._own = own
        self._others = others
        about_all = {**load, **dict.fromkeys(recorded, frozenset[str]())}
        self._labels = {**_ALERTS, **others, **own, **about_all}

    @classmethod
    def read(cls, expositions: Path = EXPOSITIONS) -> Self:
        """The product's own, others', load tests', and what the rules record by namespace."""
        own = {**_PROCESS, **dict(declared())}
        others = dict(_exported(expositions))
        return cls(own, others, dict(figures.declared()), set(_recorded()))

    def __contains__(self, name: str) -> bool:
        return name in self._labels

    def labels(self, name: str) -> frozenset[str]:
        """The labels of a metric that is there."""
        return self._labels[name]

    def filters(self, name: str) -> str:
        """The variables' filters that fit a metric: ``.*`` matches where such a label is missing.

        What others export is of their own pods, and only of a namespace where it says so. A load
        test is of a namespace.
        """
        fit: tuple[str, ...] = EVERYWHERE if name in self._own else EVERYWHERE[:2]
        if name in self._others and "namespace" not in self._others[name]:
            fit = EVERYWHERE[:1]
        return ",".join(f'{label}=~"${label}"' for label in fit)


def declared() -> Iterator[tuple[str, frozenset[str]]]:
    """The product's own metrics, as they are exposed."""
    for _, metric in declarations():
        labels = frozenset(metric.labels)
        if metric.kind == "histogram":
            yield f"{metric.name}_bucket", labels | {"le"}
            yield f"{metric.name}_count", labels
            yield f"{metric.name}_sum", labels
        else:
            yield metric.exposed, labels


def _exported(folder: Path) -> Iterator[tuple[str, frozenset[str]]]:
    found: dict[str, set[str]] = {}
    for path in sorted(folder.glob("*.txt")):
        with path.open() as exposition:
            for family in text_fd_to_metric_families(exposition):
                for sample in family.samples:
                    found.setdefault(sample.name, set()).update(sample.labels)
    yield from ((name, frozenset(labels)) for name, labels in found.items())


def _recorded() -> Iterator[str]:
    for path in sorted(RULES.glob("*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            names = [rule["record"] for rule in group["rules"] if "record" in rule]
            yield from (name for name in names if name.startswith("namespace:"))
