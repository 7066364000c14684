"""A pod that dies between an entry and its projection leaves nothing that others do not see."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from pymongo.database import Database

from tests.integration.mongo.entries import ADA, BOB, EVE, created, entry, post
from tests.integration.mongo.faults import refusing
from tests.servers.mongod import Answer, ReplicaSet
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import Rev, RoomId, Seq, UserId, random_id
from whatchat.domain.log import (
    AnyChange,
    MemberRemoved,
    MembersAdded,
    MessageDeleted,
    MessageEdited,
    ReactionChanged,
    RoleChanged,
    RoomUpdated,
)
from whatchat.domain.models import Role, RoomSettings
from whatchat.domain.ports.message_store import ChangedSpan
from whatchat.domain.ports.store import Store
from whatchat.domain.room_state import RoomState

PEOPLE = (ADA, BOB, EVE)

Read = Callable[[Store, RoomId], Awaitable[object]]


@dataclass
class Scene:
    """A room that two stores have alike: MongoDB's, whose writers die, and SQLite's."""

    mongo: ReplicaSet
    dying: MongoStore
    survivor: MongoStore
    twin: SqliteStore
    room_id: RoomId
    head: int = 0

    async def append(self, change: AnyChange, *, actor: UserId = ADA) -> None:
        """A change that all goes well with."""
        await self._append(self.survivor, change, actor)

    async def crash(
        self, change: AnyChange, step: str, *, actor: UserId = ADA, command: str = "update"
    ) -> None:
        """A change whose writer gets no further than to update ``step``."""
        with refusing(self.mongo, command, step), pytest.raises(Unavailable):
            await self._append(self.dying, change, actor)

    async def assert_same(self, read: Read) -> None:
        """What the log says is what one reads, in the very first read after."""
        assert await read(self.survivor, self.room_id) == await read(self.twin, self.room_id)

    async def _append(self, store: Store, change: AnyChange, actor: UserId) -> None:
        self.head += 1
        new = entry(self.room_id, self.head, change, actor=actor)
        await self.twin.messages.append([new])
        await store.messages.append([new])


@pytest.fixture
async def scene(mongo: ReplicaSet, store: MongoStore, other: MongoStore) -> AsyncIterator[Scene]:
    twin = SqliteStore(":memory:")
    await twin.open()
    await twin.migrate()
    scene = Scene(mongo, store, other, twin, RoomId(random_id()))
    yield scene
    await twin.close()


async def state(store: Store, room_id: RoomId) -> object:
    return await store.rooms.state(room_id)


async def record(store: Store, room_id: RoomId) -> object:
    return await store.rooms.record(room_id)


async def places(store: Store, room_id: RoomId) -> object:
    return [await store.rooms.membership(room_id, one) for one in PEOPLE]


async def rooms(store: Store, room_id: RoomId) -> object:
    return [await store.rooms.memberships(one) for one in PEOPLE]


async def joined(store: Store, room_id: RoomId) -> object:
    return await store.rooms.joined(PEOPLE)


async def members(store: Store, room_id: RoomId) -> object:
    return await store.rooms.members(room_id, after=None, limit=10)


async def among(store: Store, room_id: RoomId) -> object:
    return await store.rooms.members_among(room_id, [BOB, EVE])


async def directory(store: Store, room_id: RoomId) -> object:
    return await store.rooms.public_rooms(query="", before=None, limit=10)


READS_OF_ROOMS = [state, record, places, rooms, joined, members, among, directory]
CHANGES_OF_ROOMS = [
    MembersAdded(user_ids=(EVE,)),
    MemberRemoved(user_id=BOB),
    RoleChanged(user_id=BOB, role="admin"),
    RoomUpdated(name="Renamed", settings=RoomSettings(is_private=False)),
]


@pytest.mark.parametrize("read", READS_OF_ROOMS)
@pytest.mark.parametrize("change", CHANGES_OF_ROOMS, ids=lambda change: type(change).__name__)
async def test_every_read_of_a_room_sees_its_latest_change(
    scene: Scene, change: AnyChange, read: Read
) -> None:
    await scene.append(created(ADA, BOB))
    await scene.crash(change, "rooms")
    await scene.assert_same(read)


@pytest.mark.parametrize("read", READS_OF_ROOMS)
@pytest.mark.parametrize("step", ["members", "rooms"])
async def test_a_room_is_there_once_its_first_entry_is(scene: Scene, read: Read, step: str) -> None:
    await scene.crash(created(ADA, BOB, private=False), step, command="insert")
    await scene.assert_same(read)


@pytest.mark.parametrize("step", ["members", "rooms", "log"])
async def test_whatever_was_not_reached_is_made_up_for_once(scene: Scene, step: str) -> None:
    await scene.append(created(ADA, BOB))
    await scene.crash(MembersAdded(user_ids=(EVE,)), step)
    await scene.crash(MemberRemoved(user_id=EVE), step)
    await scene.crash(MembersAdded(user_ids=(EVE, UserId("dan"))), step)
    await scene.append(RoleChanged(user_id=EVE, role="admin"))
    for read in READS_OF_ROOMS:
        await scene.assert_same(read)


@pytest.mark.parametrize("seed", range(6))
async def test_a_slow_pod_that_projects_again_changes_nothing(scene: Scene, seed: int) -> None:
    chance = random.Random(seed)
    await scene.append(created(ADA, BOB))
    for _ in range(12):
        state = await scene.twin.rooms.state(scene.room_id)
        assert state is not None
        await scene.append(some_change(chance, state))
        log = await scene.survivor.messages.entries(scene.room_id, after=Rev(0), limit=99)
        first = chance.randrange(len(log))
        # It read them when they were pending, and goes on where it was.
        await scene.dying._projection._room(log[first : first + chance.randint(1, 4)])
    for read in READS_OF_ROOMS:
        await scene.assert_same(read)


def some_change(chance: random.Random, state: RoomState) -> AnyChange:
    """A change of the room that its people allow."""
    out = [one for one in PEOPLE if one not in state.members]
    inside = list(state.members)
    possible: list[AnyChange] = [RoomUpdated(name=random_id())]
    if out:
        possible.append(MembersAdded(user_ids=(chance.choice(out),)))
    if inside:
        possible.append(MemberRemoved(user_id=chance.choice(inside)))
        role: Role = chance.choice(["admin", "member"])
        possible.append(RoleChanged(user_id=chance.choice(inside), role=role))
    return chance.choice(possible)


async def message(store: Store, room_id: RoomId) -> object:
    return await store.messages.messages([(room_id, Seq(2)), (room_id, Seq(3))])


async def history(store: Store, room_id: RoomId) -> object:
    return await store.messages.history(
        room_id, viewer_id=EVE, first=Seq(0), before=None, after=None, limit=9
    )


async def changed(store: Store, room_id: RoomId) -> object:
    span = ChangedSpan(first=Seq(0), after=Rev(2), upto=Rev(9))
    return (await store.messages.changed(EVE, {room_id: span}, limit=9))[room_id]


CHANGES_OF_MESSAGES = [
    MessageEdited(seq=Seq(2), content="$better"),
    MessageDeleted(seq=Seq(2)),
    ReactionChanged(seq=Seq(2), emoji="👍", present=True),
]


@pytest.mark.parametrize("read", [message, history, changed])
@pytest.mark.parametrize("change", CHANGES_OF_MESSAGES, ids=lambda one: type(one).__name__)
async def test_every_read_of_messages_sees_their_latest_change(
    scene: Scene, change: AnyChange, read: Read
) -> None:
    await scene.append(created(ADA, BOB))
    await scene.append(post())
    await scene.append(post())
    await scene.crash(change, "log", actor=BOB)
    await scene.assert_same(read)
    await scene.assert_same(record)


async def test_a_retry_after_an_erasure_finds_no_digest(scene: Scene) -> None:
    await scene.append(created(ADA, BOB))
    await scene.append(post())
    await scene.crash(MessageDeleted(seq=Seq(2)), "log")
    (_, posted, _) = await scene.twin.messages.entries(scene.room_id, after=Rev(0), limit=9)
    found = await scene.survivor.messages.find(scene.room_id, ADA, posted.client_id)
    assert found == posted
    assert found.digest == b""


async def test_what_nobody_reads_is_finished_by_who_is_told_of_the_room(
    scene: Scene, documents: Database[Answer]
) -> None:
    await scene.append(created(ADA, BOB))
    await scene.append(post("secret"))
    await scene.crash(MessageEdited(seq=Seq(2), content="another secret"), "log")
    await scene.crash(MessageDeleted(seq=Seq(2)), "log")
    await scene.crash(MemberRemoved(user_id=BOB), "members")
    await scene.survivor.messages.finish({RoomId("another")})
    assert documents.log.count_documents({"pending": {"$exists": True}}) == 3
    await scene.survivor.messages.finish({scene.room_id, RoomId("another")})
    assert documents.log.count_documents({"pending": {"$exists": True}}) == 0
    assert "secret" not in repr(list(documents.log.find()))


async def test_starting_finishes_what_nobody_reads(
    scene: Scene, documents: Database[Answer]
) -> None:
    await scene.append(created(ADA, BOB))
    await scene.append(post("secret"))
    await scene.crash(MessageDeleted(seq=Seq(2)), "log")
    await scene.crash(MemberRemoved(user_id=BOB), "members")
    assert documents.log.count_documents({"pending": {"$exists": True}}) == 2
    await scene.survivor.migrate()
    assert documents.log.count_documents({"pending": {"$exists": True}}) == 0
    assert "secret" not in repr(list(documents.log.find()))
