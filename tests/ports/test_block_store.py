"""What every store of blocks guarantees."""

import asyncio
from datetime import datetime, timedelta

from whatchat.domain.ids import UserId
from whatchat.domain.ports.block_store import BlockChange, BlockStore
from whatchat.domain.ports.blocks import Blocked
from whatchat.domain.ports.store import Store

ADA, BOB, EVE = UserId("ada"), UserId("bob"), UserId("eve")


async def moment(blocks: BlockStore) -> datetime:
    return (await blocks.changed_since(None)).read_at


async def whom(blocks: BlockStore, user_id: UserId) -> list[UserId]:
    return [one.blocked_id for one in await blocks.made_by(user_id, before=None, limit=100)]


async def test_a_block_is_between_two_people_in_one_direction(store: Store) -> None:
    await store.blocks.block(ADA, BOB)
    assert await store.blocks.around([ADA, BOB, EVE]) == {
        ADA: Blocked(blocks=frozenset({BOB})),
        BOB: Blocked(blocked_by=frozenset({ADA})),
        EVE: Blocked(),
    }
    assert (await store.blocks.around([BOB]))[BOB].across == {ADA}
    assert await whom(store.blocks, ADA) == [BOB]
    assert await whom(store.blocks, BOB) == []


async def test_two_people_may_block_each_other(store: Store) -> None:
    await store.blocks.block(ADA, BOB)
    await store.blocks.block(BOB, ADA)
    await store.blocks.unblock(ADA, BOB)
    assert await store.blocks.around([ADA]) == {ADA: Blocked(blocked_by=frozenset({BOB}))}


async def test_a_block_that_is_there_stays_as_it_is(store: Store) -> None:
    first = await store.blocks.block(ADA, BOB)
    assert await store.blocks.block(ADA, BOB) == first
    assert (first.blocker_id, first.blocked_id, first.is_blocked) == (ADA, BOB, True)


async def test_a_block_that_is_not_there_cannot_be_lifted(store: Store) -> None:
    assert await store.blocks.unblock(ADA, BOB) is None
    await store.blocks.block(ADA, BOB)
    lifted = await store.blocks.unblock(ADA, BOB)
    assert lifted is not None
    assert not lifted.is_blocked
    assert await store.blocks.unblock(ADA, BOB) is None
    assert await store.blocks.around([ADA, BOB]) == {ADA: Blocked(), BOB: Blocked()}


async def test_blocks_made_at_once_are_one(store: Store) -> None:
    made = await asyncio.gather(*(store.blocks.block(ADA, BOB) for _ in range(20)))
    assert len(set(made)) == 1
    assert await whom(store.blocks, ADA) == [BOB]
    lifted = await asyncio.gather(*(store.blocks.unblock(ADA, BOB) for _ in range(20)))
    assert len([one for one in lifted if one]) == 1


async def test_the_latest_blocks_come_first_in_pages_that_miss_nothing(store: Store) -> None:
    people = [UserId(f"user-{number:02}") for number in range(11)]
    await asyncio.gather(*(store.blocks.block(ADA, one) for one in people[:10]))
    await asyncio.sleep(0.002)
    await store.blocks.block(ADA, people[10])
    await store.blocks.block(BOB, EVE)
    found = await store.blocks.made_by(ADA, before=None, limit=100)
    assert sorted(one.blocked_id for one in found) == people
    assert found[0].blocked_id == people[10]
    assert found == sorted(found, key=lambda one: (one.since, one.blocked_id), reverse=True)

    paged, before = [], None
    while page := await store.blocks.made_by(ADA, before=before, limit=3):
        paged += page
        before = page[-1]
    assert paged == found


async def test_who_is_blocked_again_is_the_latest(store: Store) -> None:
    await store.blocks.block(ADA, BOB)
    await asyncio.sleep(0.002)
    await store.blocks.block(ADA, EVE)
    await store.blocks.unblock(ADA, BOB)
    await asyncio.sleep(0.002)
    await store.blocks.block(ADA, BOB)
    assert await whom(store.blocks, ADA) == [BOB, EVE]


async def test_what_changed_is_found_by_the_stores_time(store: Store) -> None:
    before = await moment(store.blocks)
    await asyncio.sleep(1.1)  # its reading may be told to the second
    made = await store.blocks.block(ADA, BOB)
    await asyncio.sleep(0.002)
    other = await store.blocks.block(EVE, ADA)
    found = await store.blocks.changed_since(before)
    assert found.changes == (made, other)
    assert before <= found.read_at
    later = await store.blocks.changed_since(other.changed_at + timedelta(milliseconds=1))
    assert later.changes == ()


async def test_a_lifted_block_is_found_as_a_change(store: Store) -> None:
    made = await store.blocks.block(ADA, BOB)
    await asyncio.sleep(0.002)
    lifted = await store.blocks.unblock(ADA, BOB)
    assert (await store.blocks.changed_since(made.changed_at)).changes == (lifted,)
    again = await store.blocks.block(ADA, BOB)
    assert (await store.blocks.changed_since(made.changed_at)).changes == (again,)
    assert again.is_blocked


async def test_polling_with_an_overlap_misses_nothing(store: Store) -> None:
    known: set[BlockChange] = set()
    since = await moment(store.blocks)
    for number in range(5):
        change = await store.blocks.block(ADA, UserId(f"user-{number}"))
        found = await store.blocks.changed_since(since - timedelta(seconds=10))
        known.update(found.changes)
        assert change in known
        assert found.read_at >= since
        since = found.read_at


async def test_of_no_moment_nothing_has_changed(store: Store) -> None:
    await store.blocks.block(ADA, BOB)
    assert (await store.blocks.changed_since(None)).changes == ()
