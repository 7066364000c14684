"""Fresh servers with people on them, and the stretches that are measured there."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import fmean
from typing import Final

from loadtests.bench.client import Client
from loadtests.bench.durable.parts import Parts
from loadtests.bench.durable.stacks import Pod
from loadtests.bench.growth.meters import Found, Meters
from loadtests.bench.growth.samples import Measure
from loadtests.bench.load import Heard, Load, percentile_ms

PATIENCE_SECONDS: Final = 2.0

Versions = dict[str, str]


class Stage:
    """Pods, the load on the first of them, and what is read of both."""

    def __init__(self, parts: Parts, pods: Sequence[Pod], load: Load) -> None:
        self.pods = pods
        self.load = load
        self.meters = Meters(parts, pods, load)

    def rest(self, seconds: float) -> Found:
        """What it takes while nobody says anything."""
        return self.meters.stretch(lambda: self.load.idle(seconds))[0]

    def talk(
        self,
        rate: float,
        seconds: float,
        *,
        others: int = 0,
        after: Callable[[], None] = lambda: None,
    ) -> Found:
        """What it takes to accept so many messages a second, and what becomes of them.

        Each message is heard by so many ``others`` of the pods; ``after`` is part of the stretch.
        """
        heard: list[Heard] = []

        def happens() -> None:
            heard.append(self.load.send(rate, seconds, patience=PATIENCE_SECONDS))
            after()

        found, taken = self.meters.stretch(happens)
        (fate,) = heard
        return found | _fate(fate) | _rates(fate, taken, others)


@contextmanager
def staged(parts: Parts, *cores: int, pods: int = 1, client: type[Client]) -> Iterator[Stage]:
    """So many pods on these cores, and nobody there yet."""
    started = [parts.pod(*cores) for _ in range(pods)]
    load = Load(started[0].port, client)
    stage = Stage(parts, started, load)
    try:
        yield stage
    finally:
        stage.meters.close()
        load.close()


def _rates(heard: Heard, seconds: float, others: int) -> Found:
    return {
        Measure.MESSAGES: heard.acked / seconds,
        Measure.DELIVERIES: heard.delivered / seconds,
        Measure.HEARINGS: heard.acked * others / seconds,
    }


def _fate(heard: Heard) -> Found:
    found: Found = {
        Measure.ACCEPTED: 100 * heard.acked / heard.planned,
        Measure.DELIVERED: 100 * heard.delivered / max(1, heard.expected),
    }
    if heard.ack_latencies and heard.latencies:
        found |= _late(heard.ack_latencies, *_ACK) | _late(heard.latencies, *_DELIVERY)
    return found


def _late(latencies: Sequence[int], p50: Measure, mean: Measure, p99: Measure) -> Found:
    return {
        p50: percentile_ms(latencies, 50),
        mean: fmean(latencies) / 1000,
        p99: percentile_ms(latencies, 99),
    }


_ACK: Final = (Measure.ACK_P50, Measure.ACK_MEAN, Measure.ACK_P99)
_DELIVERY: Final = (Measure.DELIVERY_P50, Measure.DELIVERY_MEAN, Measure.DELIVERY_P99)
