"""The order of public rooms, which is written a little late."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from tests.integration.mongo.entries import ADA, created, entry, post
from tests.integration.mongo.faults import refusing
from tests.servers.mongod import ReplicaSet
from tests.waiting import until
from whatchat.adapters.mongo.log_documents import Pending
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId, random_id
from whatchat.domain.log import RoomUpdated
from whatchat.domain.models import RoomSettings

PUBLIC = RoomSettings(is_private=False)


async def order(store: MongoStore) -> list[RoomId]:
    found = await store.rooms.public_rooms(query="", before=None, limit=10)
    return [record.room_id for record in found]


async def write(store: MongoStore, room_id: RoomId, rev: int, *, minute: int) -> None:
    new = entry(room_id, rev, post())
    await store.messages.append([replace(new, at=new.at + timedelta(minutes=minute))])


async def test_other_pods_see_a_room_move_up(store: MongoStore, other: MongoStore) -> None:
    first, second = RoomId(random_id()), RoomId(random_id())
    for room_id in (first, second):
        await store.messages.append([entry(room_id, 1, created(ADA, private=False))])
    await write(store, second, 2, minute=1)
    await write(store, first, 2, minute=2)
    assert await order(store) == [first, second]
    await write(store, second, 3, minute=3)

    async def has_moved() -> bool:
        return await order(other) == [second, first]

    await until(has_moved)


async def test_a_busy_pod_lists_rooms_without_waiting_for_silence(store: MongoStore) -> None:
    room_id = RoomId(random_id())
    await store.messages.append([entry(room_id, 1, created(ADA, private=False))])
    for rev in range(2, 30):
        await write(store, room_id, rev, minute=rev)
        (record,) = await store.rooms.public_rooms(query="", before=None, limit=10)
        expected = await store.rooms.record(room_id)
        assert record == expected


async def test_a_room_enters_the_directory_where_its_latest_message_puts_it(
    store: MongoStore,
) -> None:
    private, public = RoomId(random_id()), RoomId(random_id())
    await store.messages.append([entry(private, 1, created(ADA))])
    await write(store, private, 2, minute=2)
    await store.messages.append([entry(public, 1, created(ADA, private=False))])
    await write(store, public, 2, minute=1)
    await store.messages.append([entry(private, 3, RoomUpdated(settings=PUBLIC))])
    assert await order(store) == [private, public]


async def directory(store: MongoStore) -> Collection[RoomId]:
    return await order(store)


async def joined(store: MongoStore) -> Collection[RoomId]:
    return (await store.rooms.joined([ADA]))[ADA]


@pytest.mark.parametrize("read", [directory, joined])
async def test_looking_everywhere_ends_though_somewhere_a_change_is_always_pending(
    mongo: ReplicaSet,
    store: MongoStore,
    other: MongoStore,
    monkeypatch: pytest.MonkeyPatch,
    read: Callable[[MongoStore], Awaitable[Collection[RoomId]]],
) -> None:
    async def leave_pending(*, private: bool) -> RoomId:
        room_id = RoomId(random_id())
        with refusing(mongo, "update", "log"), pytest.raises(Unavailable):
            await store.messages.append([entry(room_id, 1, created(ADA, private=private))])
        return room_id

    finish, times = other._projection.finish, 0

    async def finish_while_more_is_left(kind: Pending, room_ids: Iterable[RoomId]) -> None:
        nonlocal times
        times += 1
        await finish(kind, room_ids)
        await leave_pending(private=True)

    room_id = await leave_pending(private=False)
    monkeypatch.setattr(other._projection, "finish", finish_while_more_is_left)
    found = await read(other)
    monkeypatch.undo()
    assert room_id in found
    assert times == 1
