"""What a connection costs while nothing happens, and that it leaves nothing behind."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from loadtests.bench.frames import CLOSE, masked
from loadtests.bench.people import Person, people
from tests.integration.work.counting import CountingLoop, census, tracing, uncollected, weighed
from tests.integration.work.pod import Client, Pod, Poller, settle
from whatchat.realtime.deadlines import Deadline
from whatchat.realtime.link import DRAINING

IDLE: Final = 512
ROOM: Final = 8

BYTES_PER_CONNECTION: Final = 3_800
"""With Python 3.11 it is 3,740; the smallest of dicts takes 232."""

LIVES: Final = 20

Life = Callable[[Pod, Person], Awaitable[None]]


async def test_an_idle_connection_has_no_task_no_timer_and_no_dict(pod: Pod) -> None:
    first, second = _crowd()
    await pod.let_in(first)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, CountingLoop)
    with uncollected():
        tasks, timers, objects = len(asyncio.all_tasks()), loop.timers_left, census()
        await pod.let_in(second)
        made = census() - objects
        assert len(asyncio.all_tasks()) == tasks
        assert loop.timers_left == timers
    ours = {kind for kind, count in made.items() if _is_ours(kind) and count >= IDLE}
    assert {"Connection", "LocalUser", "Session", "SocketClient", "WebSocketProtocol"} <= {
        kind.__name__ for kind in ours
    }
    assert not {kind for kind in ours if kind.__dictoffset__}


async def test_an_idle_connection_takes_a_few_kilobytes(pod: Pod) -> None:
    first, second = _crowd()
    with tracing():
        await pod.let_in(first)
        with weighed() as memory:
            await pod.let_in(second)
    assert memory.kept / IDLE <= BYTES_PER_CONNECTION


async def cut_off(pod: Pod, person: Person) -> None:
    (await _let_in(pod, person)).lost()


async def cut_off_in_a_message(pod: Pod, person: Person) -> None:
    client = await _let_in(pod, person)
    client.send(masked(b"42[")[:-1])
    client.lost()


async def cut_off_at_work(pod: Pod, person: Person) -> None:
    client = await _let_in(pod, person)
    client.say()
    client.lost()


async def leaving(pod: Pod, person: Person) -> None:
    client = await _let_in(pod, person)
    client.send(masked(b"41"))
    client.send(masked(b"1"))
    await settle()
    client.lost()


async def closed_by_the_pod(pod: Pod, person: Person) -> None:
    client = await _let_in(pod, person)
    _close_all(pod)
    await settle()
    client.send(masked(DRAINING.code.to_bytes(2, "big"), CLOSE))
    client.lost()


async def never_connected(pod: Pod, person: Person) -> None:
    client = Client(person)
    pod.take(client)
    client.lost()


async def refused(pod: Pod, person: Person) -> None:
    client = Client(person)
    pod.take(client)
    client.send(masked(b'40{"token":"forged"}'))
    await settle()
    client.lost()


async def upgraded(pod: Pod, person: Person) -> None:
    poller, client = await _polling(pod, person), Client(person)
    pod.take(client, sid=poller.sid)
    client.send(masked(b"2probe"))
    client.send(masked(b"5"))
    await settle()
    client.written = []
    client.say()
    await settle()
    assert b"message:new" in client.written[0]
    client.lost()


async def polling_until_it_leaves(pod: Pod, person: Person) -> None:
    await (await _polling(pod, person)).post("1")


async def polling_until_it_hangs_up(pod: Pod, person: Person) -> None:
    await (await _polling(pod, person)).hang_up()


async def polling_until_it_is_closed(pod: Pod, person: Person) -> None:
    poller = await _polling(pod, person)
    _close_all(pod)
    assert (await poller.get()).endswith("\x1e1")


async def polling_with_a_probe_that_fails(pod: Pod, person: Person) -> None:
    poller, client = await _polling(pod, person), Client(person)
    pod.take(client, sid=poller.sid)
    client.send(masked(b"2probe"))
    client.lost()
    await poller.post("1")


@pytest.mark.parametrize(
    "life",
    [
        cut_off,
        cut_off_in_a_message,
        cut_off_at_work,
        leaving,
        closed_by_the_pod,
        never_connected,
        refused,
        upgraded,
        polling_until_it_leaves,
        polling_until_it_hangs_up,
        polling_until_it_is_closed,
        polling_with_a_probe_that_fails,
    ],
)
async def test_a_connection_that_ends_is_freed_by_counting_references(pod: Pod, life: Life) -> None:
    crowd = people(LIVES + 1, ROOM)
    await life(pod, crowd.pop())
    await settle()
    with uncollected():
        before = census()
        for person in crowd:
            await life(pod, person)
            await settle()
        assert _left(before) == {}
    assert not len(pod.realtime.hub)


async def test_connections_that_end_together_are_freed_as_well(pod: Pod) -> None:
    """Each has had a worker of its own, which waits for more to do."""
    crowd = people(LIVES + 1, ROOM)
    await cut_off(pod, crowd.pop())
    await settle()
    with uncollected():
        before = census()
        clients = [await _let_in(pod, person) for person in crowd]
        for client in clients:
            client.lost()
        await settle()
        del clients, client
        assert _left(before) == {}


def _crowd() -> tuple[list[Client], list[Client]]:
    """So many clients twice, so that the second half finds what all share."""
    clients = [Client(person) for person in people(IDLE * 2, ROOM)]
    return clients[:IDLE], clients[IDLE:]


async def _let_in(pod: Pod, person: Person) -> Client:
    client = Client(person)
    await pod.let_in([client])
    return client


async def _polling(pod: Pod, person: Person) -> Poller:
    poller = Poller(pod, person)
    await poller.connect()
    return poller


def _close_all(pod: Pod) -> None:
    for connection in pod.realtime.hub:
        connection.close(DRAINING)


def _left(before: Counter[type]) -> dict[type, int]:
    return {kind: count for kind, count in (census() - before).items() if _is_ours(kind)}


def _is_ours(kind: type) -> bool:
    """A called-off deadline stays until half of them are; it holds nothing."""
    return kind.__module__.startswith("whatchat.") and kind is not Deadline
