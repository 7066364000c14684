"""What every store guarantees of leases."""

import asyncio
from datetime import timedelta

from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now


async def ended(store: Store) -> dict[str, bool]:
    return {lease.name: lease.ended for lease in await store.leases("pod/")}


async def test_of_several_who_want_a_lease_one_gets_it(store: Store) -> None:
    taken = await asyncio.gather(
        *(store.acquire("feeder", f"pod-{number}", seconds=60) for number in range(8))
    )
    assert sum(taken) == 1


async def test_its_holder_extends_it_and_whoever_gives_it_up_lets_the_next_in(
    store: Store,
) -> None:
    assert await store.acquire("feeder", "a", seconds=60)
    assert await store.acquire("feeder", "a", seconds=60)
    await store.release("feeder", "b")
    assert not await store.acquire("feeder", "b", seconds=60)
    await store.release("feeder", "a")
    assert await store.acquire("feeder", "b", seconds=60)


async def test_a_lease_that_is_not_extended_ends_and_is_known_to_have(store: Store) -> None:
    assert await store.acquire("pod/dead", "dead", seconds=1)
    assert await store.acquire("pod/alive", "alive", seconds=60)
    assert await store.acquire("pod/gone", "gone", seconds=1)
    assert await store.acquire("other", "dead", seconds=1)
    await store.release("pod/gone", "gone")
    assert await ended(store) == {"pod/dead": False, "pod/alive": False}
    await asyncio.sleep(1.5)
    assert await ended(store) == {"pod/dead": True, "pod/alive": False}
    await store.release("pod/dead", "dead")
    assert await ended(store) == {"pod/alive": False}


async def test_what_extends_a_lease_moves_its_end(store: Store) -> None:
    assert await store.acquire("pod/a", "a", seconds=5)
    (first,) = await store.leases("pod/")
    await asyncio.sleep(0.1)
    assert await store.acquire("pod/a", "a", seconds=5)
    (second,) = await store.leases("pod/")
    assert timedelta(0) < second.until - first.until < timedelta(seconds=1)
    assert abs(second.until - utc_now() - timedelta(seconds=5)) < timedelta(seconds=1)


async def test_a_lease_that_has_ended_is_anothers_to_take(store: Store) -> None:
    assert await store.acquire("feeder", "a", seconds=1)
    await asyncio.sleep(1.5)
    assert await store.acquire("feeder", "b", seconds=60)
    assert not await store.acquire("feeder", "a", seconds=60)
