"""Whoever cancels a call to the store is obeyed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
from pymongo.errors import AutoReconnect

from tests.integration.mongo.entries import ADA, BOB, created, entry
from tests.integration.mongo.leftovers import drop_what_the_driver_dropped
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId, random_id

ROUNDS = 20
AT_ONCE = 16

# The driver lets go of a socket that it is about to connect.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

Call = Callable[[MongoStore, RoomId], Awaitable[object]]


@pytest.fixture(autouse=True)
def leaves_nothing() -> Iterator[None]:
    yield
    drop_what_the_driver_dropped()


async def ping(store: MongoStore, _room_id: RoomId) -> None:
    await store.ping()


async def read(store: MongoStore, room_id: RoomId) -> object:
    return await store.rooms.heads([room_id])


async def write(store: MongoStore, _room_id: RoomId) -> object:
    return await store.messages.append([entry(RoomId(random_id()), 1, created(ADA, BOB))])


@pytest.mark.parametrize("call", [ping, read, write])
async def test_no_call_goes_on_as_if_it_had_not_been_cancelled(
    store: MongoStore, room_id: RoomId, call: Call
) -> None:
    swallowed = 0
    for _ in range(ROUNDS):
        cancelled = asyncio.Event()

        async def keep_calling(cancelled: asyncio.Event) -> None:
            while not cancelled.is_set():
                await call(store, room_id)

        tasks = [asyncio.create_task(keep_calling(cancelled)) for _ in range(AT_ONCE)]
        await asyncio.sleep(0.05)
        cancelled.set()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        swallowed += sum(not task.cancelled() for task in tasks)
    assert swallowed == 0


@within_deadline
async def answered() -> None:
    """What ``asyncio.wait_for`` makes of being cancelled when the answer is there."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        return


@within_deadline
async def failed() -> None:
    """The same, when the answer is that the connection was lost."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        raise AutoReconnect from None


@pytest.mark.parametrize("call", [answered, failed])
async def test_neither_an_answer_nor_a_failure_hides_it(
    call: Callable[[], Awaitable[None]],
) -> None:
    task = asyncio.ensure_future(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await call()


async def test_who_is_not_cancelled_is_told_of_the_failure() -> None:
    @within_deadline
    async def lost() -> None:
        raise AutoReconnect

    with pytest.raises(Unavailable):
        await lost()
