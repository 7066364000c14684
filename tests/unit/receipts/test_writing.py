"""Receipts are written together, one write at a time, each answered when it is durable."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from whatchat.domain.actor import Actor
from whatchat.domain.errors import NotFound, Unavailable
from whatchat.domain.ids import DeviceId, GrantId, RoomId, Seq, UserId
from whatchat.domain.ports.receipt_store import Cursors, Move, Moved, ReceiptStore
from whatchat.domain.ports.room_store import RoomStore
from whatchat.features.receipts import writing as writing_module
from whatchat.features.receipts.disclosure import Disclosure
from whatchat.features.receipts.telling import Telling
from whatchat.features.receipts.told import Told
from whatchat.features.receipts.traits import RoomTraits
from whatchat.features.receipts.writing import Writing

ROOM = RoomId("room")


class SlowStore:
    """Stands in for everything behind: notes what is written, when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[Move]] = []
        self.times: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way = self.most_under_way = 0
        self.error: Exception | None = None

    async def of(self, _: object) -> dict[RoomId, Any]:
        return {}

    async def records(self, _: object) -> dict[RoomId, Any]:
        return {}

    async def moves(self, told: Sequence[Told], _: object) -> list[Move]:
        return [
            Move(
                room_id=one.room_id,
                user_id=one.user_id,
                device_id=one.device_id,
                delivered_seq=one.delivered,
                read_seq=one.read,
            )
            for one in told
        ]

    async def advance(self, moves: list[Move]) -> list[Moved | None]:
        self.times.append(asyncio.get_running_loop().time())
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await self.gate.wait()
        self.under_way -= 1
        if self.error:
            raise self.error
        self.batches.append(moves)
        moved = Moved(before=Cursors(), after=Cursors(delivered_seq=Seq(1)))
        return [None if move.user_id == "gone" else moved for move in moves]


@pytest.fixture
def store() -> SlowStore:
    return SlowStore()


@pytest.fixture
def writing(store: SlowStore) -> Writing:
    return Writing(
        cast("ReceiptStore", store),
        cast("RoomStore", store),
        cast("RoomTraits", store),
        cast("Disclosure", store),
        cast("Telling", store),
    )


def who(name: str) -> Actor:
    return Actor(
        user_id=UserId(name),
        device_id=DeviceId("phone"),
        grant_id=GrantId("grant"),
        expires_at=2**40,
        address="",
    )


async def test_what_comes_in_one_turn_is_one_write_and_one_move_each(
    store: SlowStore, writing: Writing
) -> None:
    await asyncio.gather(
        *(writing.put(who("ada"), ROOM, Seq(seq), is_read=False) for seq in (3, 5, 4)),
        writing.put(who("ada"), ROOM, Seq(2), is_read=True),
        writing.put(who("bob"), ROOM, Seq(1), is_read=True),
    )
    ((ada, bob),) = store.batches
    assert (ada.user_id, ada.delivered_seq, ada.read_seq) == ("ada", 5, 2)
    assert (bob.user_id, bob.delivered_seq, bob.read_seq) == ("bob", None, 1)


async def test_what_queues_up_behind_a_write_shares_the_next(
    store: SlowStore, writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing_module, "INTERVAL_SECONDS", 0.2)
    store.gate.clear()
    first = writing.put(who("ada"), ROOM, Seq(1), is_read=True)
    await asyncio.sleep(0)
    later = []
    for seq in range(2, 50):
        later.append(writing.put(who("ada"), ROOM, Seq(seq), is_read=True))
        await asyncio.sleep(0)
    assert not any(one.done() for one in (first, *later))
    store.gate.set()
    await asyncio.gather(first, *later)
    assert [[move.read_seq for move in batch] for batch in store.batches] == [[1], [49]]
    assert store.most_under_way == 1
    # A half: a machine with much to do lets time pass before it writes.
    assert store.times[1] - store.times[0] >= 0.1


async def test_who_is_no_member_any_more_is_told_and_nobody_else(writing: Writing) -> None:
    gone = writing.put(who("gone"), ROOM, Seq(1), is_read=True)
    await writing.put(who("ada"), ROOM, Seq(1), is_read=True)
    with pytest.raises(NotFound):
        await gone


async def test_a_write_that_fails_fails_what_was_in_it(store: SlowStore, writing: Writing) -> None:
    store.error = Unavailable()
    with pytest.raises(Unavailable):
        await writing.put(who("ada"), ROOM, Seq(1), is_read=True)
    store.error = ValueError("a defect")
    with pytest.raises(Unavailable):
        await writing.put(who("ada"), ROOM, Seq(1), is_read=True)
    store.error = None
    await writing.put(who("ada"), ROOM, Seq(1), is_read=True)
    await writing.stop()


async def test_only_so_much_waits(
    store: SlowStore, writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing_module, "MAX_WAITING", 2)
    monkeypatch.setattr(writing_module, "MAX_WAITING_EACH", 2)
    waiting = [writing.put(who(name), ROOM, Seq(1), is_read=True) for name in ("ada", "ada", "bob")]
    for name in ("ada", "eve"):
        with pytest.raises(Unavailable):
            writing.put(who(name), ROOM, Seq(2), is_read=True)
    await asyncio.gather(*waiting)


async def test_a_caller_that_gives_up_takes_nobody_with_it(
    store: SlowStore, writing: Writing
) -> None:
    store.gate.clear()
    impatient = writing.put(who("ada"), ROOM, Seq(1), is_read=True)
    patient = writing.put(who("ada"), ROOM, Seq(1), is_read=True)
    await asyncio.sleep(0)
    impatient.cancel()
    store.gate.set()
    await patient
