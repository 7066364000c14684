"""What is known of blocks from memory, and when."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import UserId
from whatchat.domain.polling import OVERLAP
from whatchat.domain.ports.block_store import BlockStore, ChangedBlocks
from whatchat.domain.ports.blocks import Blocked
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.features.blocking.blocks import WEIGHT_OF_A_PERSON, CachedBlocks

ADA, BOB, EVE = UserId("ada"), UserId("bob"), UserId("eve")
Heard = list[tuple[UserId, UserId, bool]]


class Line:
    """The store of blocks behind a line that can be cut, and whose answers can be held up."""

    def __init__(self, blocks: BlockStore) -> None:
        self._blocks = blocks
        self.cut = False
        self.reads: list[set[UserId]] = []
        self.asked: list[datetime | None] = []
        self.has_read = asyncio.Semaphore(0)
        self.answer = asyncio.Event()
        self.answer.set()
        self.later = timedelta()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blocks, name)

    async def around(self, user_ids: Collection[UserId]) -> Mapping[UserId, Blocked]:
        found = await self._blocks.around(user_ids)
        self.reads.append(set(user_ids))
        self.has_read.release()
        await self.answer.wait()
        if self.cut:
            raise Unavailable
        return found

    async def changed_since(self, moment: datetime | None) -> ChangedBlocks:
        self.asked.append(moment)
        if self.cut:
            raise Unavailable
        found = await self._blocks.changed_since(moment)
        return ChangedBlocks(changes=found.changes, read_at=found.read_at + self.later)


@pytest.fixture
def line(store: Store) -> Line:
    return Line(store.blocks)


@asynccontextmanager
async def polled(line: Line, *, seconds: float = 3600.0, most: int = 1_000) -> AsyncIterator[Any]:
    blocks = CachedBlocks(line, poll_seconds=seconds, most=most)
    await blocks.start()
    try:
        yield blocks
    finally:
        await blocks.stop()


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it never came about")


async def test_who_was_asked_about_is_not_read_again(line: Line, store: Store) -> None:
    await store.blocks.block(ADA, BOB)
    async with polled(line) as blocks:
        for _ in range(3):
            assert await blocks.around(ADA) == Blocked(blocks=frozenset({BOB}))
            assert (await blocks.around(BOB)).across == {ADA}
            assert await blocks.around(EVE) == Blocked()
    assert line.reads == [{ADA}, {BOB}, {EVE}]


async def test_many_people_are_one_reading(line: Line, store: Store) -> None:
    await store.blocks.block(ADA, BOB)
    async with polled(line) as blocks:
        assert (await blocks.around(ADA)).blocks == {BOB}
        found = await blocks.around_all([ADA, BOB, EVE, BOB])
        assert {one: around.across for one, around in found.items()} == {
            ADA: {BOB},
            BOB: {ADA},
            EVE: frozenset(),
        }
        assert await blocks.around_all([]) == {}
    assert line.reads == [{ADA}, {BOB, EVE}]


async def test_many_who_ask_at_once_share_a_reading(line: Line) -> None:
    async with polled(line) as blocks:
        line.answer.clear()
        asking = [asyncio.create_task(blocks.around(ADA)) for _ in range(50)]
        both = asyncio.create_task(blocks.around_all([ADA, BOB]))
        await line.has_read.acquire()
        await line.has_read.acquire()
        line.answer.set()
        await asyncio.gather(*asking, both)
    assert sorted(line.reads, key=min) == [{ADA}, {BOB}]


async def test_a_change_taken_is_in_force_at_once_for_both(line: Line, store: Store) -> None:
    async with polled(line) as blocks:
        await blocks.around_all([ADA, BOB])
        blocks.take(await store.blocks.block(ADA, BOB))
        assert (await blocks.around(ADA)).blocks == {BOB}
        assert (await blocks.around(BOB)).blocked_by == {ADA}
        lifted = await store.blocks.unblock(ADA, BOB)
        assert lifted is not None
        blocks.take(lifted)
        found = await blocks.around_all([ADA, BOB])
        assert found == {ADA: Blocked(), BOB: Blocked()}


async def test_a_change_made_elsewhere_is_polled(line: Line, store: Store) -> None:
    async with polled(line, seconds=0.01) as blocks:
        await blocks.around_all([ADA, BOB])
        heard: Heard = []
        blocks.listen(lambda *change: heard.append(change))
        await store.blocks.block(ADA, BOB)
        await eventually(lambda: heard == [(ADA, BOB, True)])
        assert (await blocks.around(BOB)).blocked_by == {ADA}
        await store.blocks.unblock(ADA, BOB)
        await eventually(lambda: heard[1:] == [(ADA, BOB, False)])
        assert await blocks.around(BOB) == Blocked()


async def test_a_change_is_told_once_and_forgotten_once(line: Line, store: Store) -> None:
    async with polled(line, seconds=0.01) as blocks:
        heard: Heard = []
        blocks.listen(lambda *change: heard.append(change))
        blocks.take(await store.blocks.block(ADA, BOB))
        await store.blocks.block(EVE, BOB)
        await eventually(lambda: len(heard) == 2)
        await blocks.around(BOB)
        polls = len(line.asked)
        await eventually(lambda: len(line.asked) > polls + 5)
        await blocks.around(BOB)
        assert heard == [(ADA, BOB, True), (EVE, BOB, True)]
    assert line.reads == [{BOB}]


async def test_what_was_blocked_before_the_start_is_no_change(line: Line, store: Store) -> None:
    await store.blocks.block(ADA, BOB)
    heard: Heard = []
    blocks = CachedBlocks(line, poll_seconds=0.01)
    blocks.listen(lambda *change: heard.append(change))
    await blocks.start()
    await store.blocks.block(ADA, EVE)
    await eventually(lambda: (ADA, EVE, True) in heard)
    await blocks.stop()
    assert heard[-1] == (ADA, EVE, True)


async def test_a_reading_that_a_change_overtakes_leaves_nothing_stale(
    line: Line, store: Store
) -> None:
    async with polled(line) as blocks:
        line.answer.clear()
        before = asyncio.create_task(blocks.around(ADA))
        await line.has_read.acquire()
        blocks.take(await store.blocks.block(ADA, BOB))
        after = asyncio.create_task(blocks.around(ADA))
        await line.has_read.acquire()
        line.answer.set()
        assert await before == Blocked()
        assert (await after).blocks == {BOB}
        assert (await blocks.around(ADA)).blocks == {BOB}
    assert line.reads == [{ADA}, {ADA}]


async def test_the_later_of_two_readings_is_remembered_whichever_ends_first(
    line: Line, store: Store
) -> None:
    async with polled(line) as blocks:
        line.answer.clear()
        before = asyncio.create_task(blocks.around(ADA))
        await line.has_read.acquire()
        blocks.take(await store.blocks.block(ADA, BOB))
        held, line.answer = line.answer, asyncio.Event()
        line.answer.set()
        assert (await blocks.around(ADA)).blocks == {BOB}
        held.set()
        assert await before == Blocked()
        assert (await blocks.around(ADA)).blocks == {BOB}


async def test_polls_overlap_by_the_stores_time(line: Line) -> None:
    before = utc_now()
    async with polled(line, seconds=0.01):
        await eventually(lambda: len(line.asked) > 1)
    assert line.asked[0] is None
    assert line.asked[1] is not None
    assert before - OVERLAP <= line.asked[1] <= utc_now() - OVERLAP


async def test_what_changed_during_an_outage_is_learnt_after_it(
    line: Line, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with polled(line, seconds=0.01) as blocks:
        await blocks.around(ADA)
        line.cut = True
        await eventually(lambda: "blocks cannot be read yet" in caplog.text)
        await store.blocks.block(ADA, BOB)
        heard: Heard = []
        blocks.listen(lambda *change: heard.append(change))
        line.cut = False
        await eventually(lambda: heard == [(ADA, BOB, True)])
        assert (await blocks.around(ADA)).blocks == {BOB}


async def test_after_a_gap_longer_than_changes_are_kept_all_is_read_again(line: Line) -> None:
    async with polled(line) as blocks:
        await blocks.around(ADA)
        await blocks._poll()
        await blocks.around(ADA)
        line.later = timedelta(hours=1)
        await blocks._poll()
        await blocks.around(ADA)
    assert line.reads == [{ADA}, {ADA}]


async def test_what_no_poll_can_find_again_is_let_go(line: Line, store: Store) -> None:
    async with polled(line) as blocks:
        blocks.take(await store.blocks.block(ADA, BOB))
        await blocks._poll()
        assert len(blocks._taken) == 1
        line.later = timedelta(minutes=1)
        await blocks._poll()
        assert blocks._taken == set()


async def test_those_with_many_blocks_take_the_room_of_many(line: Line, store: Store) -> None:
    for number in range(20):
        await store.blocks.block(ADA, UserId(f"user-{number}"))
    most = 20 + 2 * WEIGHT_OF_A_PERSON
    async with polled(line, most=most) as blocks:
        for user_id in (ADA, BOB, ADA, BOB):
            await blocks.around(user_id)
        assert line.reads == [{ADA}, {BOB}]
        await blocks.around(EVE)  # ADA goes
        await blocks.around(BOB)
        await blocks.around(EVE)
        assert line.reads[2:] == [{EVE}]
        await blocks.around(ADA)
        assert line.reads[3:] == [{ADA}]


async def test_one_who_outweighs_all_is_remembered_alone(line: Line, store: Store) -> None:
    for number in range(20):
        await store.blocks.block(ADA, UserId(f"user-{number}"))
    async with polled(line, most=10) as blocks:
        for user_id in (BOB, ADA, ADA, ADA):
            await blocks.around(user_id)
        assert line.reads == [{BOB}, {ADA}]


async def test_a_failed_reading_is_told_and_not_remembered(line: Line) -> None:
    async with polled(line) as blocks:
        line.cut = True
        with pytest.raises(Unavailable):
            await blocks.around(ADA)
        line.cut = False
        assert await blocks.around(ADA) == Blocked()


async def test_a_failing_listener_keeps_nothing_from_the_others(
    line: Line, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    blocks = CachedBlocks(line)
    heard: Heard = []

    def fail(*change: object) -> None:
        raise KeyError(change)

    blocks.listen(fail)
    blocks.listen(lambda *change: heard.append(change))
    blocks.take(await store.blocks.block(ADA, BOB))
    assert heard == [(ADA, BOB, True)]
    assert len(caplog.records) == 1


async def test_a_start_that_cannot_ask_the_store_fails(line: Line) -> None:
    line.cut = True
    with pytest.raises(Unavailable):
        await CachedBlocks(line).start()
