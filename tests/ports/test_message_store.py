"""What every store of the room log guarantees."""

import asyncio
import itertools
from datetime import UTC, datetime

import pytest

from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, UserId, random_id
from whatchat.domain.log import (
    AnyChange,
    Entry,
    MemberRemoved,
    MembersAdded,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionChanged,
    RoomCreated,
)
from whatchat.domain.models import RoomSettings
from whatchat.domain.ports.message_store import Appended, ChangedSpan
from whatchat.domain.ports.store import Store

ADA, BOB = UserId("ada"), UserId("bob")
AT = datetime(2026, 1, 31, 12, 0, 0, 123000, tzinfo=UTC)


def entry(
    room_id: RoomId,
    rev: int,
    change: AnyChange,
    *,
    actor: UserId = ADA,
    client_id: str | None = None,
    digest: bytes = b"digest",
) -> Entry:
    return Entry(
        room_id=room_id,
        rev=Rev(rev),
        actor_id=actor,
        client_id=ClientId(client_id or random_id()),
        digest=digest,
        at=AT,
        pod="pod",
        change=change,
    )


def post(room_id: RoomId, rev: int, content: str = "hello", **given: str) -> Entry:
    change = MessagePosted(message_type="text", content=content)
    return entry(room_id, rev, change, client_id=given.get("client_id"))


@pytest.fixture
async def room_id(store: Store) -> RoomId:
    room_id = RoomId(random_id())
    created = RoomCreated(
        room_kind="group", name="Room", description="", settings=RoomSettings(), members=(ADA, BOB)
    )
    assert await store.messages.append([entry(room_id, 1, created)]) == Appended(count=1)
    return room_id


async def test_entries_come_back_in_order_and_complete(store: Store, room_id: RoomId) -> None:
    await store.messages.append([post(room_id, 2), post(room_id, 3)])
    added = entry(room_id, 4, MembersAdded(user_ids=(UserId("eve"),)), client_id="x" * 16)
    await store.messages.append([added])

    found = await store.messages.entries(room_id, after=Rev(1), limit=10)
    assert [one.rev for one in found] == [2, 3, 4]
    assert found[-1] == added
    limited = await store.messages.entries(room_id, after=Rev(2), limit=1)
    assert [one.rev for one in limited] == [3]


async def test_a_rev_is_taken_once(store: Store, room_id: RoomId) -> None:
    assert await store.messages.append([post(room_id, 2, "first")]) == Appended(count=1)
    second = await store.messages.append([post(room_id, 2, "second")])
    assert second == Appended(count=0, clash="rev")
    (kept,) = await store.messages.history(
        room_id, viewer_id=BOB, first=Seq(0), before=None, after=None, limit=9
    )
    assert kept.content == "first"


async def test_a_batch_stops_at_the_first_clash(store: Store, room_id: RoomId) -> None:
    used = "used-client-id-0001"
    await store.messages.append([post(room_id, 2, client_id=used)])
    batch = [post(room_id, 3), post(room_id, 4, client_id=used), post(room_id, 5)]
    assert await store.messages.append(batch) == Appended(count=1, clash="client_id")
    found = await store.messages.entries(room_id, after=Rev(0), limit=10)
    assert [one.rev for one in found] == [1, 2, 3]
    heads = await store.rooms.heads([room_id])
    assert heads == {room_id: 3}


async def test_a_client_id_belongs_to_one_actor_in_one_room(store: Store, room_id: RoomId) -> None:
    shared = "shared-client-id-01"
    await store.messages.append([post(room_id, 2, client_id=shared)])
    other = entry(
        room_id,
        3,
        MessagePosted(message_type="text", content="mine"),
        actor=BOB,
        client_id=shared,
    )
    assert (await store.messages.append([other])).clash is None
    found = await store.messages.find(room_id, BOB, ClientId(shared))
    assert found is not None
    assert found.rev == 3
    assert await store.messages.find(RoomId("elsewhere"), ADA, ClientId(shared)) is None


async def test_one_of_many_racing_writers_gets_each_rev(store: Store, room_id: RoomId) -> None:
    async def write(name: str) -> int:
        wins = 0
        for rev in itertools.count(2):
            appended = await store.messages.append([post(room_id, rev, name)])
            wins += appended.count
            if rev == 20:
                return wins
        raise AssertionError

    wins = await asyncio.gather(*(write(str(number)) for number in range(4)))
    assert sum(wins) == 19
    found = await store.messages.entries(room_id, after=Rev(0), limit=100)
    assert [one.rev for one in found] == list(range(1, 21))


async def test_history_pages_both_ways(store: Store, room_id: RoomId) -> None:
    await store.messages.append([post(room_id, rev, str(rev)) for rev in range(2, 12)])

    async def contents(first: int = 0, **bounds: Seq | None) -> list[str]:
        found = await store.messages.history(
            room_id,
            viewer_id=BOB,
            first=Seq(first),
            before=bounds.get("before"),
            after=bounds.get("after"),
            limit=3,
        )
        return [one.content for one in found]

    assert await contents() == ["9", "10", "11"]
    assert await contents(before=Seq(9)) == ["6", "7", "8"]
    assert await contents(after=Seq(2)) == ["3", "4", "5"]
    assert await contents(before=Seq(5), after=Seq(3)) == ["4"]
    assert await contents(first=10) == ["10", "11"]
    assert await contents(before=Seq(2)) == []


async def test_changes_are_projected_on_their_message(store: Store, room_id: RoomId) -> None:
    await store.messages.append([post(room_id, 2), post(room_id, 3)])
    await store.messages.append(
        [
            entry(room_id, 4, MessageEdited(seq=Seq(2), content="better")),
            entry(room_id, 5, ReactionChanged(seq=Seq(2), emoji="👍", present=True), actor=BOB),
        ]
    )
    found = await store.messages.messages([(room_id, Seq(2)), (room_id, Seq(99))])
    (state,) = found.values()
    assert (state.content, state.rev, state.seq, state.edited_at) == ("better", 5, 2, AT)
    assert [(one.emoji, one.user_id) for one in state.reactions] == [("👍", BOB)]


async def test_changed_tells_each_message_once_by_its_latest_rev(
    store: Store, room_id: RoomId
) -> None:
    await store.messages.append([post(room_id, 2), post(room_id, 3), post(room_id, 4)])
    await store.messages.append([entry(room_id, 5, MessageEdited(seq=Seq(2), content="late"))])

    async def changed(first: int, after: int, upto: int) -> list[tuple[int, int]]:
        span = ChangedSpan(first=Seq(first), after=Rev(after), upto=Rev(upto))
        found = await store.messages.changed(BOB, {room_id: span}, limit=10)
        return [(one.seq, one.rev) for one in found[room_id]]

    assert await changed(0, 0, 5) == [(3, 3), (4, 4), (2, 5)]
    assert await changed(0, 3, 5) == [(4, 4), (2, 5)]
    assert await changed(0, 0, 4) == [(3, 3), (4, 4)]
    assert await changed(3, 0, 5) == [(3, 3), (4, 4)]


async def test_many_rooms_are_read_at_once_each_in_its_own_span(store: Store) -> None:
    room_ids = [RoomId(f"room-{number}") for number in range(230)]
    for room_id in room_ids:
        created = RoomCreated(
            room_kind="group", name="", description="", settings=RoomSettings(), members=(ADA,)
        )
        await store.messages.append([entry(room_id, 1, created)])
        await store.messages.append([post(room_id, rev) for rev in range(2, 6)])
    for room_id in room_ids[::3]:
        await store.messages.append([entry(room_id, 6, MessageEdited(seq=Seq(2), content="late"))])
    some = {
        room_id: ChangedSpan(first=Seq(0), after=Rev(number % 7), upto=Rev(6))
        for number, room_id in enumerate(room_ids)
    }
    found = await store.messages.changed(ADA, some, limit=3)
    for number, room_id in enumerate(room_ids):
        order = [(3, 3), (4, 4), (5, 5), (2, 6)] if number % 3 == 0 else None
        expected = order or [(2, 2), (3, 3), (4, 4), (5, 5)]
        newer = [one for one in expected if one[1] > number % 7]
        assert [(one.seq, one.rev) for one in found[room_id]] == newer[:3]
    spans = {room_id: (Seq(n % 5), Rev(4)) for n, room_id in enumerate(room_ids)}
    latest = await store.messages.latest(ADA, spans, limit=2)
    for number, room_id in enumerate(room_ids):
        expected_seqs = [seq for seq in (3, 4) if seq > number % 5]
        assert [one.seq for one in latest[room_id]] == expected_seqs


async def test_a_deletion_erases_content_and_digests(store: Store, room_id: RoomId) -> None:
    await store.messages.append([post(room_id, 2, "secret")])
    await store.messages.append([entry(room_id, 3, MessageEdited(seq=Seq(2), content="secret!"))])
    await store.messages.append([entry(room_id, 4, MessageDeleted(seq=Seq(2)))])

    (state,) = (await store.messages.messages([(room_id, Seq(2))])).values()
    assert (state.content, state.deleted_at, state.reactions) == ("", AT, ())
    entries = await store.messages.entries(room_id, after=Rev(1), limit=10)
    assert [one.digest for one in entries] == [b"", b"", b""]
    assert "secret" not in repr(entries)


async def test_entries_do_not_repeat_what_people_wrote(store: Store, room_id: RoomId) -> None:
    await store.messages.append([post(room_id, 2, "words")])
    await store.messages.append([entry(room_id, 3, MessageEdited(seq=Seq(2), content="other"))])
    entries = await store.messages.entries(room_id, after=Rev(1), limit=10)
    assert [one.change for one in entries] == [
        MessagePosted(message_type="text", content=""),
        MessageEdited(seq=Seq(2), content=""),
    ]


async def test_unread_counts_others_messages_up_to_a_limit(store: Store, room_id: RoomId) -> None:
    await store.messages.append([post(room_id, rev) for rev in range(2, 8)])
    await store.messages.append([entry(room_id, 8, MemberRemoved(user_id=BOB))])

    async def unread(reader: UserId, after: int, upto: int, limit: int = 100) -> int:
        spans = {room_id: (Seq(after), Rev(upto))}
        return (await store.messages.unread(reader, spans, limit=limit))[room_id]

    assert await unread(BOB, 1, 8) == 6
    assert await unread(BOB, 4, 8) == 3
    assert await unread(BOB, 1, 4) == 3
    assert await unread(BOB, 1, 8, limit=2) == 2
    assert await unread(ADA, 1, 8) == 0
