"""What every store of rooms guarantees."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, UserId, random_id
from whatchat.domain.log import (
    AnyChange,
    Entry,
    MemberRemoved,
    MembersAdded,
    MessagePosted,
    RoleChanged,
    RoomCreated,
    RoomUpdated,
)
from whatchat.domain.models import LISTED_PEOPLE, RoomSettings
from whatchat.domain.ports.room_store import RoomPosition
from whatchat.domain.ports.store import Store
from whatchat.domain.room_state import nonexistent

ADA, BOB, EVE = UserId("ada"), UserId("bob"), UserId("eve")
START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
PUBLIC = RoomSettings(is_private=False)


async def append(store: Store, room_id: RoomId, *changes: AnyChange, minute: int = 0) -> None:
    head = (await store.rooms.heads([room_id])).get(room_id, 0)
    await store.messages.append(
        [
            Entry(
                room_id=room_id,
                rev=Rev(head + number),
                actor_id=ADA,
                client_id=ClientId(random_id()),
                digest=b"d",
                at=START + timedelta(minutes=minute),
                pod="pod",
                change=change,
            )
            for number, change in enumerate(changes, start=1)
        ]
    )


def created(
    *people: UserId, name: str = "Room", settings: RoomSettings | None = None
) -> RoomCreated:
    return RoomCreated(
        room_kind="group",
        name=name,
        description="",
        settings=settings or RoomSettings(),
        members=people,
    )


POST = MessagePosted(message_type="text", content="hi")


async def test_the_state_is_what_the_log_makes_of_an_empty_room(store: Store) -> None:
    room_id = RoomId(random_id())
    assert await store.rooms.state(room_id) is None
    await append(
        store,
        room_id,
        created(ADA, BOB),
        MembersAdded(user_ids=(EVE,)),
        RoleChanged(user_id=BOB, role="admin"),
        POST,
        RoomUpdated(name="New", settings=PUBLIC),
        MemberRemoved(user_id=ADA),
    )
    expected = nonexistent(room_id)
    for entry in await store.messages.entries(room_id, after=Rev(0), limit=100):
        expected = expected.apply(entry)

    state = await store.rooms.state(room_id)
    assert state is not None
    assert state.record == expected.record
    assert dict(state.members) == dict(expected.members)
    assert (state.record.rev, state.record.changed_rev) == (6, 6)
    assert state.record.participant_count == 2
    assert await store.rooms.record(room_id) == state.record
    found = await store.rooms.records([room_id, RoomId(random_id())])
    assert found == {room_id: state.record}


async def test_membership_begins_anew_with_each_joining(store: Store) -> None:
    room_id = RoomId(random_id())
    await append(store, room_id, created(ADA, BOB), MemberRemoved(user_id=BOB))
    assert await store.rooms.membership(room_id, BOB) is None
    await append(store, room_id, POST, MembersAdded(user_ids=(BOB,)))
    membership = await store.rooms.membership(room_id, BOB)
    assert membership is not None
    assert membership.member.joined_seq == Seq(4)
    assert membership.record.rev == 4


async def test_memberships_come_newest_activity_first_and_in_pages(store: Store) -> None:
    rooms = [RoomId(random_id()) for _ in range(5)]
    for minute, room_id in enumerate(rooms):
        await append(store, room_id, created(ADA), minute=minute)
    await append(store, rooms[0], POST, minute=10)
    await append(store, RoomId(random_id()), created(BOB))

    expected = [rooms[0], *rooms[:0:-1]]
    everything = await store.rooms.memberships(ADA)
    assert [one.record.room_id for one in everything] == expected

    paged: list[RoomId] = []
    position = None
    while page := await store.rooms.memberships_page(ADA, before=position, limit=2):
        paged += [one.record.room_id for one in page]
        last = page[-1].record
        position = RoomPosition(last_activity=last.last_activity, room_id=last.room_id)
    assert paged == expected


async def test_rooms_of_one_instant_are_paged_without_loss(store: Store) -> None:
    rooms = {RoomId(random_id()) for _ in range(7)}
    for room_id in rooms:
        await append(store, room_id, created(ADA))
    first = await store.rooms.memberships_page(ADA, before=None, limit=4)
    last = first[-1].record
    position = RoomPosition(last_activity=last.last_activity, room_id=last.room_id)
    second = await store.rooms.memberships_page(ADA, before=position, limit=4)
    assert {one.record.room_id for one in (*first, *second)} == rooms


async def test_public_rooms_are_found_by_name_while_public(store: Store) -> None:
    garden, tools = RoomId(random_id()), RoomId(random_id())
    await append(store, garden, created(ADA, name="Straße & Garten", settings=PUBLIC))
    await append(store, tools, created(ADA, name="Tools 100%", settings=PUBLIC), minute=1)
    await append(store, RoomId(random_id()), created(ADA, name="Garten, private"))

    async def found(query: str) -> list[RoomId]:
        page = await store.rooms.public_rooms(query=query, before=None, limit=10)
        return [record.room_id for record in page]

    assert await found("") == [tools, garden]
    assert await found("GARTEN") == [garden]
    assert await found("STRASSE") == [garden]
    assert await found("%") == [tools]
    await append(store, garden, RoomUpdated(settings=RoomSettings()))
    assert await found("garten") == []


async def test_members_are_paged_by_user_id(store: Store) -> None:
    room_id = RoomId(random_id())
    people = [UserId(f"user-{number:03}") for number in range(25)]
    await append(store, room_id, created(*people))
    first = await store.rooms.members(room_id, after=None, limit=10)
    rest = await store.rooms.members(room_id, after=first[-1].user_id, limit=100)
    assert [one.user_id for one in (*first, *rest)] == people


async def test_small_rooms_list_everybody_in_order_of_joining(store: Store) -> None:
    room_id = RoomId(random_id())
    await append(store, room_id, created(EVE, ADA), MembersAdded(user_ids=(UserId("aaa"),)))
    record = await store.rooms.record(room_id)
    assert record is not None
    listed = await store.rooms.listed([record], ADA)
    assert [one.user_id for one in listed[room_id]] == [ADA, EVE, "aaa"]


async def test_large_rooms_list_admins_and_the_viewer(store: Store) -> None:
    room_id = RoomId(random_id())
    crowd = tuple(UserId(f"user-{number:03}") for number in range(LISTED_PEOPLE))
    await append(store, room_id, created(ADA, *crowd))
    record = await store.rooms.record(room_id)
    assert record is not None

    async def listed(viewer: UserId | None) -> list[UserId]:
        found = await store.rooms.listed([record], viewer)
        return [one.user_id for one in found[room_id]]

    assert await listed(None) == [ADA]
    assert await listed(ADA) == [ADA]
    assert await listed(crowd[7]) == [ADA, crowd[7]]
    assert await listed(UserId("stranger")) == [ADA]


async def test_heads_of_unknown_rooms_are_absent(store: Store) -> None:
    room_id = RoomId(random_id())
    await append(store, room_id, created(ADA), POST)
    assert await store.rooms.heads([room_id, RoomId("nowhere")]) == {room_id: 2}
    assert await store.rooms.heads([]) == {}


async def test_the_rooms_of_many_people_are_read_at_once(store: Store) -> None:
    first, second = RoomId(random_id()), RoomId(random_id())
    await append(store, first, created(ADA, BOB), POST, MembersAdded(user_ids=(EVE,)))
    await append(store, second, created(ADA, EVE), MemberRemoved(user_id=EVE))
    assert await store.rooms.joined([ADA, EVE, UserId("nobody")]) == {
        ADA: {first: 1, second: 1},
        EVE: {first: 3},
    }
    assert await store.rooms.joined([]) == {}


async def test_changes_of_rooms_are_found_by_the_stores_time(store: Store) -> None:
    """The entries' own time, which is their pod's, has no say in it."""
    before = await store.rooms.changed_since(None, limit=10)
    assert (before.changes, before.next) == ((), None)
    changes: list[AnyChange] = [
        created(ADA, BOB),
        MembersAdded(user_ids=(EVE,)),
        RoleChanged(user_id=BOB, role="admin"),
        RoomUpdated(name="New", settings=PUBLIC),
        MemberRemoved(user_id=ADA),
    ]
    room_id = RoomId(random_id())
    await append(store, room_id, changes[0], POST, *changes[1:], POST)

    found = await store.rooms.changed_since(before.read_at, limit=10)
    assert [one.change for one in found.changes] == changes
    assert {one.room_id for one in found.changes} == {room_id}
    assert [one.rev for one in found.changes] == [1, 3, 4, 5, 6]
    assert found.next is None
    assert found.read_at >= before.read_at
    again = await store.rooms.changed_since(found.read_at - timedelta(seconds=10), limit=10)
    assert again.changes == found.changes
    later = await store.rooms.changed_since(found.read_at + timedelta(seconds=5), limit=10)
    assert (later.changes, later.next) == ((), None)


async def test_the_earliest_changes_of_rooms_come_first(store: Store) -> None:
    before = (await store.rooms.changed_since(None, limit=1)).read_at
    rooms = [RoomId(f"room-{number}") for number in range(4)]
    for room_id in rooms:
        await append(store, room_id, created(ADA))
        await asyncio.sleep(0.002)
    found = await store.rooms.changed_since(before, limit=3)
    assert [one.room_id for one in found.changes] == rooms[:3]
    assert found.next is not None
    found = await store.rooms.changed_since(before, limit=5)
    assert [one.room_id for one in found.changes] == rooms
    assert found.next is None


@pytest.mark.parametrize("limit", [1, 4])
async def test_changes_of_rooms_are_read_on_exactly(store: Store, limit: int) -> None:
    """Also those of one instant, and those that are written meanwhile."""
    before = (await store.rooms.changed_since(None, limit=1)).read_at
    rooms = [RoomId(random_id()) for _ in range(2)]
    people = [UserId(f"user-{number}") for number in range(6)]
    for room_id in rooms:
        await append(store, room_id, created(ADA), *added(people))
    found = await store.rooms.changed_since(before, limit=limit)
    await asyncio.sleep(0.002)
    await append(store, rooms[0], RoomUpdated(name="New"))
    answers = [found]
    while found.next is not None:
        found = await store.rooms.changed_since(found.next, limit=limit)
        assert len(answers) <= 16, "each answer gets further"
        answers.append(found)
    keys = [(one.room_id, one.rev) for answer in answers for one in answer.changes]
    assert all(len(answer.changes) <= limit for answer in answers)
    assert len(keys) == len(set(keys)) == 15
    for room_id in rooms:
        revs = [rev for room, rev in keys if room == room_id]
        assert revs == list(range(1, len(revs) + 1))


def added(people: list[UserId]) -> list[AnyChange]:
    return [MembersAdded(user_ids=(user_id,)) for user_id in people]


class TestConcealed:
    """Ada opened a direct room with Bob, who had blocked her."""

    @pytest.fixture
    async def room_id(self, store: Store) -> RoomId:
        room_id = RoomId(random_id())
        opened = RoomCreated(
            room_kind="direct",
            name="",
            description="",
            settings=RoomSettings(max_participants=2),
            members=(ADA, BOB),
            concealed=True,
        )
        await append(store, room_id, opened, POST)
        return room_id

    async def is_there(self, store: Store, room_id: RoomId, user_id: UserId) -> set[bool]:
        """By every way in which a member's own rooms are asked for."""
        page = await store.rooms.memberships_page(user_id, before=None, limit=10)
        return {
            await store.rooms.membership(room_id, user_id) is not None,
            room_id in [one.record.room_id for one in await store.rooms.memberships(user_id)],
            room_id in [one.record.room_id for one in page],
            room_id in (await store.rooms.joined([user_id])).get(user_id, {}),
            room_id in (await store.rooms.joined([user_id, EVE])).get(user_id, {}),
            user_id in await store.rooms.members_among(room_id, [ADA, BOB]),
        }

    async def test_it_is_there_for_the_one_and_not_for_the_other(
        self, store: Store, room_id: RoomId
    ) -> None:
        assert await self.is_there(store, room_id, ADA) == {True}
        assert await self.is_there(store, room_id, BOB) == {False}
        for user_id in (ADA, BOB):
            together = await asyncio.gather(*(store.rooms.memberships(user_id) for _ in range(5)))
            assert {len(found) for found in together} == {int(user_id == ADA)}

    async def test_who_opened_it_sees_two_people(self, store: Store, room_id: RoomId) -> None:
        state = await store.rooms.state(room_id)
        assert state is not None
        assert state.is_concealed
        assert {one.user_id: one.concealed for one in state.members.values()} == {
            ADA: False,
            BOB: True,
        }
        listed = await store.rooms.listed([state.record], ADA)
        assert {one.user_id for one in listed[room_id]} == {ADA, BOB}
        people = await store.rooms.members(room_id, after=None, limit=10)
        assert {one.user_id for one in people} == {ADA, BOB}
        assert state.record.participant_count == 2

    async def test_it_is_revealed_once_and_for_good(self, store: Store, room_id: RoomId) -> None:
        assert await store.rooms.reveal(room_id, BOB)
        assert not await store.rooms.reveal(room_id, BOB)
        assert await self.is_there(store, room_id, BOB) == {True}
        await append(store, room_id, POST, RoomUpdated(name="New"))
        assert await self.is_there(store, room_id, BOB) == {True}
        state = await store.rooms.state(room_id)
        assert state is not None
        assert not state.is_concealed
        membership = await store.rooms.membership(room_id, BOB)
        assert membership is not None
        assert membership.member.joined_seq == 1

    async def test_nothing_is_revealed_where_nothing_is_concealed(
        self, store: Store, room_id: RoomId
    ) -> None:
        assert not await store.rooms.reveal(room_id, ADA)
        assert not await store.rooms.reveal(room_id, EVE)
        assert not await store.rooms.reveal(RoomId(random_id()), BOB)
        assert await self.is_there(store, room_id, BOB) == {False}

    async def test_revealed_by_many_at_once_it_is_revealed_once(
        self, store: Store, room_id: RoomId
    ) -> None:
        revealed = await asyncio.gather(*(store.rooms.reveal(room_id, BOB) for _ in range(10)))
        assert sum(revealed) == 1
