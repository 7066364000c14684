"""How many people connect to each pod in each second, by the pods' own metrics."""

import asyncio
import contextlib
import time
from typing import Final, NamedTuple, NoReturn

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.rollout.deployment import Deployment
from tests.rollout.pod import Pod
from whatchat.entrypoints.ending import ENDPOINT_SECONDS
from whatchat.realtime.drain import GRACE_SECONDS

EACH_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 3.0


class Reading(NamedTuple):
    """What a pod's metrics said."""

    at: float
    connects: float
    held: float


class Leaving(NamedTuple):
    """A pod that moves ``held`` people away, evenly over that time."""

    held: float
    begin: float
    end: float

    @property
    def per_second(self) -> float:
        """How many leave."""
        return self.held / (self.end - self.begin)


class Storms:
    """Scrapes all pods each second, and keeps the most connects that any had in one."""

    def __init__(self, deployment: Deployment) -> None:
        self.most = 0.0
        self.most_in_all = 0.0
        self._deployment = deployment
        self._last: dict[Pod, Reading] = {}
        self._held: dict[Pod, float] = {}

    async def watch(self) -> NoReturn:
        """Go on until cancelled."""
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector) as http:
            while True:
                begun = time.monotonic()
                rates = await asyncio.gather(
                    *(self._rate(http, pod) for pod in self._deployment.pods if not pod.has_ended)
                )
                self.most = max(self.most, *rates, 0.0)
                self.most_in_all = max(self.most_in_all, sum(rates))
                await asyncio.sleep(max(0.0, begun + EACH_SECONDS - time.monotonic()))

    def forget(self) -> None:
        """What was so far does not count."""
        self.most = self.most_in_all = 0.0

    def evenly(self) -> float:
        """How many would leave in the worst second, if all departures were spread evenly."""
        leaving = self._leaving()
        return max(
            (sum(o.per_second for o in leaving if o.begin <= one.begin < o.end) for one in leaving),
            default=0.0,
        )

    def _leaving(self) -> list[Leaving]:
        found = []
        for pod in self._deployment.pods:
            drain = pod.template.drain_seconds
            if pod.terminated_at is not None and pod in self._held and drain:
                grace = min(GRACE_SECONDS, drain / 4)
                begin = pod.terminated_at + ENDPOINT_SECONDS
                found.append(Leaving(self._held[pod], begin, begin + drain - grace))
        return found

    async def _rate(self, http: aiohttp.ClientSession, pod: Pod) -> float:
        """Connects a second since the last time; none if it does not answer, or is new."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                async with http.get(f"{pod.internal}/metrics") as answer:
                    reading = _read(await answer.text())
            return self._note(pod, reading)
        return 0.0

    def _note(self, pod: Pod, reading: Reading) -> float:
        before, self._last[pod] = self._last.get(pod, reading), reading
        if pod.terminated_at is None:
            self._held[pod] = reading.held
        seconds = reading.at - before.at
        return (reading.connects - before.connects) / seconds if seconds else 0.0


def _read(text: str) -> Reading:
    sums = {"whatchat_connects_total": 0.0, "whatchat_connected_sockets": 0.0}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in sums:
                sums[sample.name] += sample.value
    return Reading(time.monotonic(), *sums.values())
