"""One fault on a cluster of its own, from a whole cluster to the judgement."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from pymongo.errors import PyMongoError

from tests.chaos.checker import check
from tests.chaos.clusters import cluster_for
from tests.chaos.crowd import Crowd
from tests.chaos.fault import Fault
from tests.chaos.journal import Journal
from tests.chaos.judging import evidence_of, mark, whole
from tests.chaos.outcome import Outcome
from tests.chaos.problems import Crashed, Problem, Unfinished
from tests.chaos.vital_signs import processes, vital_signs
from tests.servers.by_hand import CannotStart
from tests.servers.cluster import Cluster
from whatchat.domain.errors import ChatError

STRIKE_SECONDS = 180

SETTLED_SECONDS = 2.0
"""What would come late, or twice, has so long to come when all have everything."""

SHOWN = 800
"""So much of a traceback is quoted; the logs have the rest."""

DATABASE = "whatchat"

TROUBLES = (
    *(AssertionError, TimeoutError, RuntimeError, OSError),
    *(PyMongoError, ChatError, CannotStart),
)
"""What may come of a cluster that is not whole."""


class Plan(NamedTuple):
    """How a trial goes: ``before`` and ``after`` are seconds of talk beside the fault's own."""

    clients: int | None = None
    per_second: float = 60.0
    before: float = 5.0
    after: float = 5.0


Tell = Callable[[str], None]


async def trial(fault: Fault, plan: Plan, folder: Path, tell: Tell) -> Outcome:
    """Break it, mend it and judge. ``folder`` is left with all logs, and with the journal."""
    journal = Journal()
    clients = plan.clients or fault.needs.clients
    cluster = cluster_for(fault.needs._replace(clients=clients), folder)
    try:
        tell("starting a cluster")
        async with _running(cluster) as logged, vital_signs(cluster, journal):
            tell(f"{clients} people come")
            async with Crowd.at(cluster.url, clients=clients, journal=journal) as crowd:
                troubles = await _course(fault, plan, cluster, crowd, tell)
                evidence = await evidence_of(cluster.mongo.url(DATABASE), crowd)
        tell("judging")
        found = [*troubles, *check(evidence), *logged]
        return Outcome.of(fault.name, clients, evidence, found)
    finally:
        journal.write(folder / "journal.jsonl")


async def _course(
    fault: Fault, plan: Plan, cluster: Cluster, crowd: Crowd, tell: Tell
) -> Sequence[Problem]:
    """All that happens while people are there; problems of the fault's own."""
    troubles: list[Problem] = []
    crowd.talk(plan.per_second)
    await asyncio.sleep(plan.before)
    tell("breaking")
    mark(crowd.journal, "breaking")
    try:
        async with asyncio.timeout(STRIKE_SECONDS):
            await fault.strike(cluster, crowd)
    except TROUBLES as error:
        troubles.append(Unfinished(f"{type(error).__name__}: {error}"))
    mark(crowd.journal, "healed")
    tell("healed")
    await asyncio.sleep(plan.after)
    await crowd.fall_silent()
    mark(crowd.journal, "quiet")
    await whole(cluster.mongo.url(DATABASE), crowd)
    await asyncio.sleep(SETTLED_SECONDS)
    mark(crowd.journal, "judged")
    return [*troubles, *_ended(cluster)]


@asynccontextmanager
async def _running(cluster: Cluster) -> AsyncIterator[list[Problem]]:
    """The cluster while it is up; once it is down, what was logged that must not be."""
    found: list[Problem] = []
    await asyncio.to_thread(cluster.start)
    ours = processes(cluster)
    try:
        yield found
    finally:
        await asyncio.to_thread(cluster.close)
    for name, process in ours.items():
        found += (Crashed(f"{name} logged {text[:SHOWN]}") for text in process.tracebacks())


def _ended(cluster: Cluster) -> list[Problem]:
    """What does not run though all is whole again."""
    return [
        Crashed(f"{name} has ended")
        for name, process in processes(cluster).items()
        if process._process is None or process._process.poll() is not None
    ]
