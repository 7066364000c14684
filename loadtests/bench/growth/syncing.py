"""The curve of `sync`: one device that was away, against its rooms and what was said there."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Final

from loadtests.bench.durable.crowd import Crowd
from loadtests.bench.durable.parts import Parts
from loadtests.bench.entries import fill
from loadtests.bench.growth.client import SyncingClient
from loadtests.bench.growth.meters import Found
from loadtests.bench.growth.place import Place
from loadtests.bench.growth.plan import BACKLOGS, ROOMS, Plan
from loadtests.bench.growth.samples import Measure, Series
from loadtests.bench.growth.stage import Stage, staged
from loadtests.bench.process import SERVER_CORE
from whatchat.bootstrap import open_store
from whatchat.domain.batches import batches
from whatchat.domain.ids import RoomId, UserId, random_id
from whatchat.settings import Settings

AWAY_SECONDS: Final = 30.0
TOGETHER: Final = 50
LEAST_SECONDS: Final = 1.0
"""A sync is repeated for so long, as processor time is told in ticks."""

WRITER: Final = UserId("writer")


class Away:
    """Somebody who is in so many rooms, in each of which so much was said meanwhile."""

    def __init__(self, crowd: Crowd, number: int, rooms: int, backlog: int) -> None:
        self.user_id = crowd.user_ids[number]
        self.person = crowd.people()[number]
        self.backlog = backlog
        self.room_ids = [RoomId(random_id()) for _ in range(rooms)]


def syncs(parts: Parts, plan: Plan) -> Iterator[Place]:
    """One pod that everybody in turn asks for all that they missed, with the rest at rest."""
    kinds = [(rooms, backlog) for rooms in plan.sizes(ROOMS) for backlog in BACKLOGS]
    crowd = Crowd("away", len(kinds), 1)
    away = [Away(crowd, number, *kind) for number, kind in enumerate(kinds)]
    asyncio.run(_fill(parts.store_url, crowd, away))
    with staged(parts, SERVER_CORE, client=SyncingClient) as stage:
        stage.load.connect([one.person for one in away])
        for one, client in zip(away, stage.load.clients, strict=True):
            if not isinstance(client, SyncingClient):
                raise TypeError("the load has other clients")
            _catch_up(stage, client, one)
            found = _repeated(stage, client, one, min(LEAST_SECONDS, plan.seconds))
            yield Place(Series.SYNC, len(one.room_ids), found, one.backlog)


def _repeated(stage: Stage, client: SyncingClient, away: Away, seconds: float) -> Found:
    """The mean of as many syncs as there is time for."""
    meters, times = stage.meters, 0
    pod, mongo, began = meters.pod_seconds(), meters.mongo_seconds(), time.monotonic()
    while time.monotonic() - began < seconds:
        _catch_up(stage, client, away)
        times += 1
    taken = time.monotonic() - began
    return {
        Measure.SYNC_MS: taken * 1000 / times,
        Measure.SYNC_POD_CPU: (meters.pod_seconds() - pod) * 1000 / times,
        Measure.SYNC_MONGO_CPU: (meters.mongo_seconds() - mongo) * 1000 / times,
        Measure.SYNC_ANSWERS: client.answers,
        Measure.SYNC_BYTES: client.bytes,
        Measure.SYNC_MESSAGES: client.messages,
    }


def _catch_up(stage: Stage, client: SyncingClient, away: Away) -> None:
    """Hold everything, from cursors that are as old as the rooms."""
    client.begin(dict.fromkeys(away.room_ids, 1))
    end = time.monotonic() + AWAY_SECONDS
    while client.more and client.open and time.monotonic() < end:
        stage.load.idle(0.001)
    expected = len(away.room_ids) * away.backlog
    if client.more or client.messages != expected:
        raise AssertionError(f"{client.messages} messages came, not {expected}")


async def _fill(url: str, crowd: Crowd, away: Sequence[Away]) -> None:
    store = await open_store(Settings.model_validate({"store_url": url}))
    try:
        await crowd.move_in(store)
        for one in away:
            for some in batches(one.room_ids, TOGETHER):
                people = WRITER, one.user_id
                await asyncio.gather(*(fill(store, room, people, one.backlog) for room in some))
    finally:
        await store.close()
