"""Many rooms, wherever pages end: every change comes, each once, and snapshots are whole."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from tests.integration.services.conftest import House, PodServices, actor
from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, UserId, random_id
from whatchat.domain.log import (
    AnyChange,
    Entry,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionChanged,
    RoomCreated,
    RoomUpdated,
)
from whatchat.domain.models import Message, RoomSettings
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.features.sync.contract import Sync, SyncedRoom
from whatchat.features.sync.page import MAX_BYTES

ADA, BOB = actor("ada"), actor("bob")
ROOMS = 14
SIZES = (5, 50, 4_000, 16_000)


@dataclass
class Filled:
    """Rooms that were written to, and how far each log goes."""

    pod: PodServices
    heads: dict[RoomId, Rev]


@pytest.fixture
async def filled(house: House) -> Filled:
    chance = random.Random(5)
    heads = {}
    for _ in range(ROOMS):
        room_id = RoomId(random_id())
        heads[room_id] = await fill(house.store, room_id, chance)
    return Filled(await house.pod(), heads)


async def fill(store: Store, room_id: RoomId, chance: random.Random) -> Rev:
    """A room with some of everything that can change in it."""
    created = RoomCreated(
        room_kind="group",
        name="",
        description="",
        settings=RoomSettings(),
        members=(ADA.user_id, BOB.user_id),
    )
    changes: list[AnyChange] = [created, posted(chance)]
    for _ in range(chance.randint(0, 12)):
        seq = Seq(chance.choice([i for i, one in enumerate(changes, 1) if is_posted(one)]))
        possible: list[AnyChange] = [
            posted(chance),
            posted(chance),
            MessageEdited(seq=seq, content="other"),
            ReactionChanged(seq=seq, emoji="👍", present=True),
            MessageDeleted(seq=seq),
            RoomUpdated(name="New"),
        ]
        changes.append(chance.choice(possible))
    await store.messages.append([entry(room_id, rev, one) for rev, one in enumerate(changes, 1)])
    return Rev(len(changes))


def posted(chance: random.Random) -> MessagePosted:
    return MessagePosted(message_type="text", content="x" * chance.choice(SIZES))


def is_posted(change: AnyChange) -> bool:
    return isinstance(change, MessagePosted)


def entry(room_id: RoomId, rev: int, change: AnyChange) -> Entry:
    return Entry(
        room_id=room_id,
        rev=Rev(rev),
        actor_id=UserId("ada"),
        client_id=ClientId(random_id()),
        digest=b"digest",
        at=utc_now(),
        pod="pod",
        change=change,
    )


async def everything(filled: Filled) -> dict[RoomId, Sequence[Message]]:
    """All messages of each room, by their latest change."""
    found: dict[RoomId, Sequence[Message]] = {}
    for room_id in filled.heads:
        answer = await filled.pod.sync.sync(BOB, Sync(cursors={room_id: Rev(1)}, only=True))
        messages = list(answer.rooms[0].messages)
        while answer.more:
            held = {room_id: Rev(answer.rooms[0].rev)}
            answer = await filled.pod.sync.sync(BOB, Sync(cursors=held, only=True))
            messages += answer.rooms[0].messages
        found[room_id] = messages
    return found


@settings(
    max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(st.one_of(st.none(), st.integers(1, 15)), min_size=ROOMS, max_size=ROOMS),
    st.sampled_from([1, 2, 7, 49, 50, 51, 500]),
)
async def test_every_change_comes_once_wherever_pages_end(
    filled: Filled, held: list[int | None], limit: int
) -> None:
    pairs = list(zip(filled.heads.items(), held, strict=True))
    begun = {room_id: Rev(min(at, head)) for (room_id, head), at in pairs if at is not None}
    whole = await everything(filled)
    cursors, parts = dict(begun), dict[RoomId, list[SyncedRoom]]()
    more = True
    while more:
        answer = await filled.pod.sync.sync(BOB, Sync(cursors=dict(cursors), limit=limit))
        assert sum(len(one.messages) for one in answer.rooms) <= limit
        assert len(msgspec.json.encode(answer)) <= MAX_BYTES
        for one in answer.rooms:
            parts.setdefault(one.room_id, []).append(one)
            cursors[one.room_id] = Rev(one.rev)
        more = answer.more
    assert cursors == filled.heads
    for room_id, messages in whole.items():
        told = [message for one in parts.get(room_id, []) for message in one.messages]
        if room_id in begun:
            assert told == [one for one in messages if one.rev > begun[room_id]]
            assert {one.state for one in parts.get(room_id, [])} <= {"recovered"}
        else:
            (snapshot,) = parts[room_id]
            by_seq = sorted(messages, key=lambda one: one.seq)
            assert (snapshot.state, snapshot.room is UNSET) == ("snapshot", False)
            assert told == by_seq[len(by_seq) - len(told) :]
            assert len(told) >= min(limit, len(by_seq), 1)
