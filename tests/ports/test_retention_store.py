"""What every store guarantees about messages whose time is over."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.ports.test_message_store import ADA, BOB, entry, post
from whatchat.domain.ids import DeviceId, GrantId, Rev, RoomId, Seq, UserId, random_id
from whatchat.domain.log import (
    AnyChange,
    Entry,
    MembersAdded,
    MessageDeleted,
    MessageEdited,
    MessageExpired,
    MessagePosted,
    ReactionChanged,
    RoomCreated,
)
from whatchat.domain.message_state import MessageState
from whatchat.domain.models import RoomSettings
from whatchat.domain.ports.account_store import DeviceRecord, Grant
from whatchat.domain.ports.message_store import ChangedSpan
from whatchat.domain.ports.receipt_store import Move
from whatchat.domain.ports.retention_store import Expired, Undelivered
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now

PAST = datetime(2026, 1, 31, 12, 1, 0, 0, tzinfo=UTC)
FAR = datetime(2999, 1, 1, tzinfo=UTC)


def posted(room_id: RoomId, rev: int, expires_at: datetime | None) -> Entry:
    change = MessagePosted(message_type="text", content="a secret", expires_at=expires_at)
    return entry(room_id, rev, change)


async def open_room(store: Store) -> RoomId:
    room_id = RoomId(random_id())
    created = RoomCreated(
        room_kind="group", name="Room", description="", settings=RoomSettings(), members=(ADA, BOB)
    )
    await store.messages.append([entry(room_id, 1, created)])
    return room_id


@pytest.fixture
async def room_id(store: Store) -> RoomId:
    return await open_room(store)


async def every_way(store: Store, room_id: RoomId, seq: int) -> list[MessageState]:
    """A message by every read that there is."""
    reads = store.messages
    (one,) = (await reads.messages([(room_id, Seq(seq))])).values()
    history = await reads.history(
        room_id, viewer_id=ADA, first=Seq(0), before=None, after=None, limit=9
    )
    latest = await reads.latest(ADA, {room_id: (Seq(0), Rev(99))}, limit=9)
    span = ChangedSpan(first=Seq(0), after=Rev(0), upto=Rev(99))
    changed = await reads.changed(ADA, {room_id: span}, limit=9)
    found = (one, *history, *latest[room_id], *changed[room_id])
    return [state for state in found if state.seq == seq]


async def over(store: Store, now: datetime = FAR, limit: int = 99) -> list[Expired]:
    found: list[Expired] = []
    while page := await store.retention.expired(
        now, after=found[-1] if found else None, limit=limit
    ):
        found += page
    return found


async def test_what_is_over_is_a_tombstone_by_every_read(store: Store, room_id: RoomId) -> None:
    await store.messages.append(
        [
            posted(room_id, 2, PAST),
            entry(room_id, 3, MessageEdited(seq=Seq(2), content="another secret")),
            entry(room_id, 4, ReactionChanged(seq=Seq(2), emoji="👍", present=True)),
        ]
    )
    seen = await every_way(store, room_id, 2)
    assert len(seen) == 4
    for state in seen:
        assert (state.content, state.reactions, state.edited_at) == ("", (), None)
        assert state.deleted_at == state.expires_at == PAST
        assert state.rev == 4


async def test_until_then_it_is_there(store: Store, room_id: RoomId) -> None:
    soon = utc_now() + timedelta(minutes=5)
    await store.messages.append([posted(room_id, 2, soon)])
    for state in await every_way(store, room_id, 2):
        assert (state.content, state.deleted_at, state.expires_at) == ("a secret", None, soon)


async def test_what_is_over_is_found_the_earliest_first(store: Store, room_id: RoomId) -> None:
    other = await open_room(store)
    times = [PAST + timedelta(seconds=number) for number in (3, 1, 2, 2, 2)]
    for rev, at in enumerate(times, start=2):
        await store.messages.append([posted(room_id, rev, at)])
    await store.messages.append([posted(other, 2, times[2]), posted(other, 3, FAR)])
    await store.messages.append([posted(room_id, 7, None)])

    found = await over(store, PAST + timedelta(seconds=3))
    assert [one.expires_at for one in found] == sorted([*times, times[2]])
    assert {(one.room_id, one.seq) for one in found} == {
        *((room_id, seq) for seq in range(2, 7)),
        (other, 2),
    }
    assert {one.sender_id for one in found} == {ADA}
    for limit in (1, 2, 4):
        assert await over(store, PAST + timedelta(seconds=3), limit) == found
    assert [one.seq for one in await over(store, PAST + timedelta(seconds=1))] == [3]


@pytest.mark.parametrize("erasure", [MessageExpired(seq=Seq(2)), MessageDeleted(seq=Seq(2))])
async def test_what_is_erased_is_not_found_again(
    store: Store, room_id: RoomId, erasure: AnyChange
) -> None:
    await store.messages.append([posted(room_id, 2, PAST), posted(room_id, 3, PAST)])
    await store.messages.append([entry(room_id, 4, erasure)])
    assert [one.seq for one in await over(store)] == [3]


async def test_a_late_erasure_leaves_what_was_shown_before(store: Store, room_id: RoomId) -> None:
    await store.messages.append([posted(room_id, 2, PAST)])
    before = await every_way(store, room_id, 2)
    late = MessageExpired(seq=Seq(2))
    await store.messages.append([entry(room_id, 3, late), entry(room_id, 4, late)])
    for was, state in zip(before, await every_way(store, room_id, 2), strict=True):
        assert (state.deleted_at, state.expires_at, state.content) == (PAST, PAST, "")
        assert (was.rev, state.rev) == (2, 4)


async def test_who_deletes_before_the_end_ends_it_then(store: Store, room_id: RoomId) -> None:
    await store.messages.append([posted(room_id, 2, FAR)])
    deleted = entry(room_id, 3, MessageDeleted(seq=Seq(2)))
    await store.messages.append([deleted, entry(room_id, 4, MessageExpired(seq=Seq(2)))])
    for state in await every_way(store, room_id, 2):
        assert (state.deleted_at, state.expires_at) == (deleted.at, FAR)


async def test_the_end_of_a_message_stands_in_its_entry(store: Store, room_id: RoomId) -> None:
    made = posted(room_id, 2, FAR)
    await store.messages.append([made])
    (found,) = await store.messages.entries(room_id, after=Rev(1), limit=9)
    assert isinstance(found.change, MessagePosted)
    assert found.change.expires_at == FAR


# What is given up once it is delivered


async def undelivered(store: Store, limit: int = 99) -> list[Undelivered]:
    found: list[Undelivered] = []
    after = None
    while page := await store.retention.undelivered(after=after, limit=limit):
        found += page
        after = found[-1].room_id, found[-1].seq
    return found


def to_deliver(room_id: RoomId, rev: int, content: str = "a secret") -> Entry:
    change = MessagePosted(message_type="text", content=content, deliver_only=True)
    return entry(room_id, rev, change)


async def test_what_is_to_be_delivered_is_found_in_pages(store: Store, room_id: RoomId) -> None:
    other = await open_room(store)
    for one in (room_id, other):
        await store.messages.append([to_deliver(one, 2), posted(one, 3, None), to_deliver(one, 4)])
    expected = sorted((one, seq) for one in (room_id, other) for seq in (2, 4))
    for limit in (1, 3, 9):
        found = await undelivered(store, limit)
        assert [(one.room_id, one.seq) for one in found] == expected
    assert {(one.sender_id, one.content_rev - one.seq) for one in found} == {(ADA, 0)}


async def test_what_is_given_up_keeps_its_place_and_its_rev(store: Store, room_id: RoomId) -> None:
    edit = entry(room_id, 3, MessageEdited(seq=Seq(2), content="another secret"))
    reaction = entry(room_id, 4, ReactionChanged(seq=Seq(2), emoji="👍", present=True))
    made = to_deliver(room_id, 2)
    await store.messages.append([made, edit, reaction])
    (found,) = await undelivered(store)
    assert found.content_rev == 3
    await store.retention.give_up([found], PAST)

    for state in await every_way(store, room_id, 2):
        assert (state.content, state.erased_at, state.deleted_at) == ("", PAST, None)
        assert (state.rev, state.edited_at, len(state.reactions)) == (4, edit.at, 1)
    assert await undelivered(store) == []
    assert await store.rooms.heads([room_id]) == {room_id: 4}
    for one in (made, edit):
        kept = await store.messages.find(room_id, one.actor_id, one.client_id)
        assert kept is not None
        assert kept.digest == b""
    words = await store.search.candidates(
        ["secret"], {room_id: Seq(0)}, viewer_id=ADA, before=None, limit=9
    )
    assert words.keys == ()


async def test_what_was_edited_meanwhile_is_kept(store: Store, room_id: RoomId) -> None:
    await store.messages.append([to_deliver(room_id, 2)])
    found = await undelivered(store)
    await store.messages.append([entry(room_id, 3, MessageEdited(seq=Seq(2), content="new"))])
    await store.retention.give_up(found, PAST)
    for state in await every_way(store, room_id, 2):
        assert (state.content, state.erased_at) == ("new", None)
    assert [one.content_rev for one in await undelivered(store)] == [3]


async def test_an_edit_brings_content_that_has_to_be_delivered(
    store: Store, room_id: RoomId
) -> None:
    await store.messages.append([to_deliver(room_id, 2)])
    await store.retention.give_up(await undelivered(store), PAST)
    await store.messages.append([entry(room_id, 3, MessageEdited(seq=Seq(2), content="new"))])
    for state in await every_way(store, room_id, 2):
        assert (state.content, state.erased_at) == ("new", None)
    (found,) = await undelivered(store)
    assert found.content_rev == 3
    await store.retention.give_up([found], PAST)
    for state in await every_way(store, room_id, 2):
        assert (state.content, state.erased_at) == ("", PAST)


async def test_what_is_deleted_is_not_waited_for(store: Store, room_id: RoomId) -> None:
    await store.messages.append([to_deliver(room_id, 2), to_deliver(room_id, 3)])
    found = await undelivered(store)
    await store.messages.append([entry(room_id, 4, MessageDeleted(seq=Seq(2)))])
    assert [one.seq for one in await undelivered(store)] == [3]
    await store.retention.give_up(found, PAST)
    await store.messages.append([entry(room_id, 5, MessageDeleted(seq=Seq(3)))])
    for seq in (2, 3):
        for state in await every_way(store, room_id, seq):
            assert (state.deleted_at is None, state.erased_at) == (False, None)


async def sign_in(
    store: Store, user_id: UserId, device: str, seen: datetime, *, until: datetime = FAR
) -> None:
    grant = Grant(grant_id=GrantId(random_id()), token_hash=random_id().encode(), expires_at=until)
    record = DeviceRecord(
        user_id=user_id,
        device_id=DeviceId(device),
        name="",
        created_at=seen,
        last_seen_at=seen,
    )
    await store.accounts.sign_in(record, grant)


async def test_members_have_got_as_far_as_the_device_that_is_furthest_behind(
    store: Store, room_id: RoomId
) -> None:
    now = utc_now()
    lately, long_ago = now - timedelta(days=29), now - timedelta(days=31)

    async def reaches() -> list[tuple[UserId, int, int]]:
        found = await store.retention.reaches(room_id, now=now, since=now - timedelta(days=30))
        return sorted((one.user_id, one.seq, one.devices) for one in found)

    assert await reaches() == []
    await sign_in(store, ADA, "phone", lately)
    await sign_in(store, ADA, "tablet", lately)
    await sign_in(store, ADA, "old", long_ago)
    await sign_in(store, ADA, "ended", lately, until=now)
    await sign_in(store, BOB, "older", long_ago)
    await sign_in(store, UserId("eve"), "elsewhere", lately)
    assert await reaches() == [(ADA, 1, 2)]

    def move(device: str, seq: int) -> Move:
        return Move(
            room_id=room_id, user_id=ADA, device_id=DeviceId(device), delivered_seq=Seq(seq)
        )

    await store.messages.append([post(room_id, rev) for rev in range(2, 9)])
    await store.receipts.advance([move("phone", 7)])
    assert await reaches() == [(ADA, 1, 2)]
    await store.receipts.advance([move("tablet", 5)])
    assert await reaches() == [(ADA, 5, 2)]
    await store.messages.append([entry(room_id, 9, MembersAdded(user_ids=(UserId("eve"),)))])
    assert await reaches() == [(ADA, 5, 2), ("eve", 9, 1)]
