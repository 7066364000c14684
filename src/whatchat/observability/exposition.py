"""What scrapers are told: Prometheus' text format, or OpenMetrics with exemplars.

https://prometheus.io/docs/instrumenting/exposition_formats/ and
https://prometheus.io/docs/specs/om/open_metrics_spec/
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from time import perf_counter, thread_time
from typing import Final, cast

from prometheus_client import Metric, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from whatchat.observability.metrics import Metrics

TEXT: Final = CONTENT_TYPE_PLAIN_0_0_4
OPENMETRICS: Final = openmetrics.CONTENT_TYPE_LATEST

SLICE_SECONDS: Final = 0.002
"""So long the event loop is held before others have a turn."""

PIECE: Final = 100
"""So many series are told in one go; gathering those of one metric is not divided."""

_END: Final = b"# EOF\n"
_number: Final = cast("Callable[[float], str]", floatToGoString)  # untyped
_HEAD: Final = re.compile(rb"\A(# .*\n)+")
_openmetrics: Final = cast("Callable[[Collector], bytes]", openmetrics.generate_latest)  # untyped


def content_type_for(accept: str) -> str:
    """Which of the two formats an Accept header asks for; the text format if it is nonsense."""
    try:
        _, content_type = choose_encoder(accept)
    except TypeError:  # a version that is no number
        return TEXT
    return OPENMETRICS if content_type.startswith("application/openmetrics-text") else TEXT


class Exposition:
    """Makes expositions, one at a time, without holding the event loop for long.

    Whoever asks while one is made waits, and all who waited for a format share the next.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._turn = asyncio.Lock()
        self._asking = 0
        # How each series is written, which is most of the work; as many as the metrics may have.
        self._series: dict[tuple[str, ...], str] = {}
        self._made: dict[str, tuple[float, bytes]] = {}

    async def of(self, content_type: str) -> bytes:
        """Everything, as it is after the call, in one of the two formats."""
        asked = perf_counter()
        self._asking += 1
        try:
            async with self._turn:
                begun, text = self._made.get(content_type, (0.0, b""))
                if begun < asked:
                    begun, text = perf_counter(), await self._make(content_type)
                    self._made[content_type] = begun, text
                return text
        finally:
            self._asking -= 1
            if not self._asking:
                self._made.clear()

    async def _make(self, content_type: str) -> bytes:
        # Reading the descriptors takes the kernel as long as there are many of them.
        process = await asyncio.to_thread(lambda: list(self._metrics.process.collect()))
        parts: list[bytes] = []
        busy, begun = 0.0, thread_time()
        self._metrics.refresh()
        for family in (*process, *self._metrics.registry.collect()):
            for piece in self._pieces(family, content_type):
                parts.append(piece)
                if (held := thread_time() - begun) >= SLICE_SECONDS:
                    busy += held
                    await asyncio.sleep(0)
                    begun = thread_time()
        if content_type == OPENMETRICS:
            parts.append(_END)
        text = b"".join(parts)
        self._metrics.scrape_seconds.observe(busy + thread_time() - begun)
        return text

    def _pieces(self, family: Metric, content_type: str) -> Iterator[bytes]:
        """A metric's text, ``PIECE`` series at a time, in which all are as they were together."""
        yield _text(family, [], content_type)
        for start in range(0, len(family.samples), PIECE):
            samples = family.samples[start : start + PIECE]
            if content_type == OPENMETRICS and any(sample.exemplar for sample in samples):
                yield _HEAD.sub(b"", _text(family, samples, content_type))
            else:
                yield "".join([self._line(family, sample) for sample in samples]).encode()

    def _line(self, family: Metric, sample: Sample) -> str:
        key = (sample.name, *sample.labels.values())
        series = self._series.get(key)
        if series is None:
            text = _text(family, [sample], TEXT).decode().splitlines()[-1]
            series = self._series[key] = text.rpartition(" ")[0]
        return f"{series} {_number(sample.value)}\n"


class _Alone(Collector):
    """One metric by itself."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return (self._family,)


def _text(family: Metric, samples: list[Sample], content_type: str) -> bytes:
    """A metric with these of its series."""
    part = copy(family)
    part.samples = samples
    if content_type == OPENMETRICS:
        return _openmetrics(_Alone(part)).removesuffix(_END)
    return generate_latest(_Alone(part))
