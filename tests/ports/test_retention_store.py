"""What every store guarantees about messages whose time is over."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.ports.test_message_store import ADA, BOB, entry
from whatchat.domain.ids import Rev, RoomId, Seq, random_id
from whatchat.domain.log import (
    AnyChange,
    Entry,
    MessageDeleted,
    MessageEdited,
    MessageExpired,
    MessagePosted,
    ReactionChanged,
    RoomCreated,
)
from whatchat.domain.message_state import MessageState
from whatchat.domain.models import RoomSettings
from whatchat.domain.ports.message_store import ChangedSpan
from whatchat.domain.ports.retention_store import Expired
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
