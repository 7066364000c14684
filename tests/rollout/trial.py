"""All pods replaced while people talk and others come, from a whole cluster to the figures."""

import asyncio
import math
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tests.chaos.checker import check
from tests.chaos.crowd import Crowd
from tests.chaos.journal import Journal
from tests.chaos.judging import evidence_of, mark, whole
from tests.chaos.outcome import Outcome
from tests.rollout.figures import Figures, barred_of, gaps_of
from tests.rollout.newcomers import Newcomers
from tests.rollout.site import Shape, Site, site
from tests.rollout.stock import StockClients
from tests.rollout.storms import Storms
from tests.waiting import until
from whatchat.client.tasks import cancel

SETTLED_SECONDS: Final = 2.0
"""What would come late, or twice, has so long to come when all have everything."""

START_SECONDS: Final = 30.0
"""A pod takes no longer to be ready, and is counted so for each that comes after another."""

RETURN_SECONDS: Final = 15.0
"""So long a stock client may take to try again."""

Tell = Callable[[str], None]


class Plan(NamedTuple):
    """What is done on a cluster of some shape, and under which load.

    ``rate`` is what all people say together in a second, ``doors`` how many newcomers of each
    kind there are in one, and ``stock`` how many clients of another library stay. With ``back``
    it is rolled back halfway. ``before`` and ``after`` are seconds of talk beside that.
    """

    name: str
    shape: Shape
    people: int = 1_000
    rate: float = 60.0
    doors: float = 5.0
    stock: int = 20
    back: bool = False
    before: float = 5.0
    after: float = 5.0


async def rollout(plan: Plan, folder: Path, tell: Tell) -> Figures:
    """Do it and judge. ``folder`` is left with all logs, and with the journal."""
    journal = Journal()
    try:
        tell("starting a cluster")
        async with site(plan.shape, folder) as here:
            return await _Course(plan, here, journal, tell).run()
    finally:
        journal.write(folder / "journal.jsonl")


class _Course:
    """One update on a cluster that is up."""

    def __init__(self, plan: Plan, here: Site, journal: Journal, tell: Tell) -> None:
        self._plan = plan
        self._site = here
        self._journal = journal
        self._tell = tell
        self._storms = Storms(here.pods)

    async def run(self) -> Figures:
        async with AsyncExitStack() as ends:
            crowd = await self._crowd(ends)
            await ends.enter_async_context(self._watched())
            self._tell("people talk, and others come")
            door = Newcomers.at(self._site.ingress.url, self._plan.doors)
            newcomers = await ends.enter_async_context(door)
            clients = StockClients.at(self._site.ingress.url, self._plan.stock)
            stock = await ends.enter_async_context(clients)
            begun = time.monotonic()
            if crowd:
                crowd.talk(self._plan.rate)
            await asyncio.sleep(self._plan.before)
            seconds = await self._roll()
            await asyncio.sleep(self._plan.after)
            load = os.getloadavg()[0 if time.monotonic() - begun < 120 else 1]
            await newcomers.stop()
            outcome = await self._judge(crowd) if crowd else None
            await until(stock.are_all_in, seconds=RETURN_SECONDS)
            return self._figures(outcome, newcomers, stock, seconds, load)

    async def _crowd(self, ends: AsyncExitStack) -> Crowd | None:
        if not self._plan.people:
            return None
        self._tell(f"{self._plan.people} people come")
        url, clients = self._site.ingress.url, self._plan.people
        return await ends.enter_async_context(Crowd.at(url, clients=clients, journal=self._journal))

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        watching = asyncio.create_task(self._storms.watch(), name="storms")
        try:
            yield
        finally:
            await cancel(watching)

    async def _roll(self) -> float:
        """Replace all, and say how long that took."""
        pods, begun = self._site.pods, time.monotonic()
        self._storms.forget()
        mark(self._journal, "breaking")
        for deployment in self._site.deployments:
            deployment.roll(2)
        if self._plan.back:
            half = math.ceil(pods.wanted.replicas / 2)
            await until(lambda: pods.available(2) >= half, seconds=self._patience())
            self._tell(f"{half} pods are new: rolling back")
            for deployment in self._site.deployments:
                deployment.roll(1)
        await until(self._site.is_up, seconds=self._patience())
        mark(self._journal, "healed")
        self._tell("all are replaced")
        return time.monotonic() - begun

    def _patience(self) -> float:
        wanted = self._site.pods.wanted
        return wanted.replicas * (START_SECONDS + wanted.min_ready) + 2 * wanted.template.grace

    async def _judge(self, crowd: Crowd) -> Outcome:
        self._tell("judging")
        await crowd.fall_silent()
        mark(self._journal, "quiet")
        await whole(self._site.store, crowd)
        await asyncio.sleep(SETTLED_SECONDS)
        mark(self._journal, "judged")
        evidence = await evidence_of(self._site.store, crowd)
        return Outcome.of(self._plan.name, self._plan.people, evidence, check(evidence))

    def _figures(
        self,
        outcome: Outcome | None,
        newcomers: Newcomers,
        stock: StockClients,
        seconds: float,
        load: float,
    ) -> Figures:
        end = self._journal.marked("quiet") if outcome else time.monotonic()
        window = self._journal.marked("breaking"), end
        pods, worker = self._site.deployments
        every = [pod for each in self._site.deployments for pod in each.pods]
        tracebacks = [text for pod in every for text in pod.tracebacks()]
        return Figures(
            name=self._plan.name,
            replaced=sum(pod.has_ended for pod in pods.pods),
            workers=sum(pod.has_ended for pod in worker.pods),
            outcome=outcome,
            doors=newcomers.of("polling", "websocket"),
            requests=newcomers.of("rest", "regular"),
            gaps=gaps_of(self._journal, *window),
            barred=[*barred_of(self._journal, *window), *stock.barred()],
            stock=self._plan.stock,
            stock_gaps=stock.gaps(),
            evenly=self._storms.evenly(),
            storm=self._storms.most,
            storm_in_all=self._storms.most_in_all,
            killed=sum(pod.was_killed for pod in every),
            seconds=seconds,
            load=load,
            crashes=[*pods.troubles(), *worker.troubles(), *tracebacks],
        )
