"""Who looks for anomalies."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from whatchat.anomalies.counting import Counting
from whatchat.anomalies.remedies import Remedies
from whatchat.anomalies.rule import Rule
from whatchat.anomalies.sampling import Sampling
from whatchat.anomalies.sighting import Sighting, sighting_of
from whatchat.domain.audit import Record
from whatchat.domain.ports.tally import Tally
from whatchat.observability.metrics import Metrics

MAX_WAITING: Final = 10_000
TOGETHER: Final = 64
FORGET_SECONDS: Final = 3_600.0

log = structlog.get_logger("whatchat.anomalies")


class Watch:
    """Looks at what it is told by the rules, and has something done about what it finds.

    What is told waits in a bounded queue; beyond that it is dropped, and counted. Whoever
    tells does not wait, and nothing here can fail them. ``witness`` is for what has no record.
    """

    def __init__(
        self, rules: Sequence[Rule], tally: Tally, remedies: Remedies, metrics: Metrics
    ) -> None:
        self._counting = Counting(rules, tally)
        self._remedies = remedies
        self._metrics = metrics
        self._waiting: asyncio.Queue[Sighting] = asyncio.Queue(MAX_WAITING)
        self._is_failing = False
        self.witness = Sampling(self.notice)

    def take(self, records: Sequence[Record]) -> None:
        """Look at what the audit log is told; to be its listener."""
        for record in records:
            if self._counting.rules_for(record.act.kind):
                self.notice(sighting_of(record))

    def notice(self, sighting: Sighting) -> None:
        """Look at something, a little later."""
        try:
            self._waiting.put_nowait(sighting)
        except asyncio.QueueFull:
            self._metrics.anomaly_sightings_dropped.inc()

    async def run(self) -> None:
        """Look, until cancelled."""
        loop = asyncio.get_running_loop()
        forget_at = loop.time() + FORGET_SECONDS
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < TOGETHER and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            await self.look(batch)
            if loop.time() >= forget_at:
                self.witness.forget()
                forget_at = loop.time() + FORGET_SECONDS

    async def look(self, batch: Sequence[Sighting]) -> None:
        """Look at all of these at once, so that what is asked of Redis leaves together."""
        looks = (
            self._apply(rule, one)
            for one in batch
            for rule in self._counting.rules_for(one.event)
            if rule.concerns(one)
        )
        outcomes = await asyncio.gather(*looks, return_exceptions=True)
        self._complain([one for one in outcomes if isinstance(one, Exception)])

    async def _apply(self, rule: Rule, sighting: Sighting) -> None:
        subject = await self._counting.find(rule, sighting)
        if subject is not None:
            await self._remedies.apply(rule, subject)

    def _complain(self, errors: Sequence[Exception]) -> None:
        """Once, until all goes well again."""
        if errors and not self._is_failing:
            log.error("anomalies are not dealt with", exc_info=errors[0])
        self._is_failing = bool(errors)
