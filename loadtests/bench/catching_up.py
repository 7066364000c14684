"""``python -m loadtests.bench.catching_up``: a device that was away syncs all its rooms.

What `sync` takes from the first page to the last, with messages changed in every room, and
again for a device that knows nothing and is given snapshots.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import msgspec

from loadtests.bench.entries import fill
from tests.servers.mongod import ReplicaSet
from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.adapters.mongo.store import MongoStore
from whatchat.audit.trail import Trail
from whatchat.domain.actor import Actor
from whatchat.domain.ids import DeviceId, GrantId, Rev, RoomId, UserId, random_id
from whatchat.domain.ports.account_store import Account
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.features.accounts.directory import CachedUserDirectory
from whatchat.features.blocking.blocks import CachedBlocks
from whatchat.features.sync.contract import Sync, Synced
from whatchat.features.sync.service import SyncService
from whatchat.observability.metrics import Metrics
from whatchat.services import Adapters, Conversations, Ground
from whatchat.settings import Settings

READER: Final = UserId("reader")
WRITER: Final = UserId("writer")
LIMIT: Final = 500
TOGETHER: Final = 50
ACTOR: Final = Actor(
    user_id=READER,
    device_id=DeviceId("device"),
    grant_id=GrantId("grant"),
    expires_at=2**40,
    address="127.0.0.1",
)


class Passage(NamedTuple):
    """What one device took to hold everything."""

    seconds: float
    cpu: float
    pages: int
    messages: int


async def main() -> None:
    """Fill each store and catch up with it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rooms", type=int, default=1_000)
    parser.add_argument("--changes", type=int, default=10, help="in each room")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        mongo = ReplicaSet(Path(folder) / "mongo")
        await asyncio.to_thread(mongo.start)
        try:
            await _measure("MongoDB", MongoStore(mongo.url("catching_up")), given)
        finally:
            await asyncio.to_thread(mongo.stop)
        await _measure("SQLite", SqliteStore(f"{folder}/whatchat.db"), given)


async def _measure(name: str, store: Store, given: argparse.Namespace) -> None:
    await store.open()
    await store.migrate()
    for user_id in (READER, WRITER):
        await store.accounts.add(_account(user_id))
    room_ids = [RoomId(random_id()) for _ in range(given.rooms)]
    for start in range(0, given.rooms, TOGETHER):
        some = room_ids[start : start + TOGETHER]
        people = WRITER, READER
        await asyncio.gather(*(fill(store, room_id, people, given.changes) for room_id in some))
    sync = await _service(store)
    away = {room_id: Rev(1) for room_id in room_ids}
    for what, cursors in (("changes", away), ("snapshots", {})):
        expected = given.rooms * given.changes
        _tell(
            f"{name}, {what}",
            [await _catch_up(sync, cursors, expected) for _ in range(given.rounds)],
        )
    await store.close()


def _account(user_id: UserId) -> Account:
    return Account(
        user_id=user_id,
        username=user_id,
        display_name=user_id,
        password_hash="",
        created_at=utc_now(),
    )


async def _service(store: Store) -> SyncService:
    adapters = Adapters(store, InProcessBroker(InProcessExchange()), InProcessSessionRegistry())
    metrics = Metrics()
    trail = Trail("bench", store.audit, metrics)
    ground = Ground("bench", Settings(), adapters, await store.identity(), metrics, trail)
    return Conversations(
        ground, CachedUserDirectory(store.accounts), CachedBlocks(store.blocks)
    ).sync


async def _catch_up(sync: SyncService, held: Mapping[RoomId, Rev], expected: int) -> Passage:
    """Ask until there is no more; each answer is encoded, as it is for a client."""
    cursors = dict(held)
    began, cpu = time.perf_counter(), time.process_time()
    pages = messages = 0
    more = True
    while more:
        page: Synced = await sync.sync(ACTOR, Sync(cursors=cursors, limit=LIMIT))
        msgspec.json.encode(page)
        cursors |= {one.room_id: Rev(one.rev) for one in page.rooms}
        messages += sum(len(one.messages) for one in page.rooms)
        pages, more = pages + 1, page.more
    if messages != expected:
        raise AssertionError(f"{messages} messages came, not {expected}")
    return Passage(time.perf_counter() - began, time.process_time() - cpu, pages, messages)


def _tell(name: str, passages: list[Passage]) -> None:
    seconds, cpu = [one.seconds for one in passages], [one.cpu for one in passages]
    sys.stdout.write(
        f"{name:20} {median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f}),"
        f" {median(cpu):.2f} s CPU, {passages[0].pages} pages, {passages[0].messages} messages\n"
    )


if __name__ == "__main__":
    asyncio.run(main())
