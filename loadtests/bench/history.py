"""``python -m loadtests.bench.history``: a page of history from MongoDB, and from a list in Redis.

Whether recent history is worth a cache: what each read takes, and what else a request needs.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Final

from msgspec.msgpack import Decoder, Encoder

from loadtests.bench.entries import fill
from tests.servers.mongod import ReplicaSet
from tests.servers.redis_server import RedisServer
from whatchat.adapters.mongo.store import MongoStore
from whatchat.adapters.redis.opening import servers_of
from whatchat.adapters.redis.servers import Servers, run_one
from whatchat.adapters.redis.url import parse
from whatchat.domain.ids import RoomId, Seq, UserId, random_id
from whatchat.domain.message_state import MessageState
from whatchat.observability.metrics import Metrics

ROOMS: Final = 200
MESSAGES: Final = 300
PAGE: Final = 50
READS: Final = 2_000
READER: Final = UserId("reader")

_encoder: Final = Encoder()
_decoder: Final = Decoder(MessageState)

Read = Callable[[], Awaitable[object]]


async def main() -> None:
    """Fill a store, copy the latest pages into Redis, and time both."""
    with tempfile.TemporaryDirectory() as folder:
        mongo, redis = ReplicaSet(Path(folder) / "mongo"), RedisServer(Path(folder) / "redis")
        mongo.start()
        redis.start()
        store, servers = MongoStore(mongo.url("history")), servers_of(parse(redis.url), Metrics())
        try:
            await store.open()
            await store.migrate()
            await servers.start()
            for name, read in (await _reads(store, servers)).items():
                await _time(name, read)
        finally:
            await servers.close()
            await store.close()
            redis.kill()
            mongo.stop()


async def _reads(store: MongoStore, servers: Servers) -> dict[str, Read]:
    room_ids = [await _room(store) for _ in range(ROOMS)]
    for room_id in room_ids:
        await _copy(servers, room_id, await _page(store, room_id))
    turn = cycle(room_ids)
    return {
        "page from MongoDB": lambda: _page(store, next(turn)),
        "page from Redis": lambda: _copied(servers, next(turn)),
        "head, without which a copy may be old": lambda: store.rooms.heads([next(turn)]),
        "membership, in either case": lambda: store.rooms.membership(next(turn), READER),
    }


async def _room(store: MongoStore) -> RoomId:
    room_id = RoomId(random_id())
    await fill(store, room_id, (READER,), MESSAGES)
    return room_id


async def _page(store: MongoStore, room_id: RoomId) -> Sequence[MessageState]:
    return await store.messages.history(
        room_id, viewer_id=READER, first=Seq(0), before=None, after=None, limit=PAGE + 1
    )


async def _copy(servers: Servers, room_id: RoomId, page: Sequence[MessageState]) -> None:
    key = room_id.encode()
    await run_one(servers, key, "RPUSH", key, *map(_encoder.encode, page))


async def _copied(servers: Servers, room_id: RoomId) -> list[MessageState]:
    key = room_id.encode()
    return [_decoder.decode(body) for body in await run_one(servers, key, "LRANGE", key, 0, -1)]


async def _time(name: str, read: Read) -> None:
    for _ in range(READS // 10):
        await read()
    taken, began = [], time.process_time()
    for _ in range(READS):
        start = time.perf_counter()
        await read()
        taken.append(time.perf_counter() - start)
    cpu_us = (time.process_time() - began) / READS * 1e6
    p99 = sorted(taken)[READS * 99 // 100]
    sys.stdout.write(
        f"{name:38} p50 {median(taken) * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms, {cpu_us:.0f} µs CPU\n"
    )


if __name__ == "__main__":
    asyncio.run(main())
