"""Who is told what in a drain, and when each is closed."""

import asyncio
import json

import pytest
from structlog.testing import capture_logs

from tests.unit.realtime.parts import GREETING, NotedLink, actor, greeted, hub_of, warming
from whatchat.realtime import moving
from whatchat.realtime.connection import Connection
from whatchat.realtime.drain import Drain
from whatchat.realtime.hub import Hub
from whatchat.realtime.link import DRAINING, Closing
from whatchat.realtime.moving import CutOff, Finish, Moving, departures
from whatchat.realtime.tasks import Tasks

CLOSED = '42["session:closing",{"code":4503,"resume":true}]'


class TimedLink(NotedLink):
    """A link that notes when it was shut, and in which order with others."""

    def __init__(self, order: list["TimedLink"]) -> None:
        super().__init__()
        self._order = order
        self.shut_at = 0.0

    def shut(self, closing: Closing) -> None:
        super().shut(closing)
        self.shut_at = asyncio.get_running_loop().time()
        self._order.append(self)


def nobody(sockets: int) -> None:
    raise AssertionError(f"{sockets} were cut off")


@pytest.fixture
def hub(tasks: Tasks) -> Hub:
    return hub_of(tasks)


async def drained(hub: Hub, finish: Finish, cut_off: CutOff, *, seconds: float) -> None:
    await Drain(hub, Moving(hub, finish, cut_off), seconds=seconds).run()


async def at_once(_connection: Connection) -> None:
    """What a client with nothing in flight is waited for."""


def moves(link: NotedLink) -> list[int]:
    """Every ``reconnectAfterMs`` that a client was told, behind the greeting."""
    texts = [frame.text for frame in link.frames]
    events = [json.loads(text.removeprefix("42")) for text in texts]
    return [data["reconnectAfterMs"] for name, data in events if name == "session:moving"][1:]


@pytest.mark.parametrize(("count", "seconds"), [(0, 30), (1, 30), (7, 1.5), (1000, 30), (3, 0)])
def test_there_is_one_departure_in_each_part_of_the_time(count: int, seconds: float) -> None:
    times = departures(count, seconds)
    assert len(times) == count
    part = seconds / max(count, 1)
    assert all(part * number <= at <= part * (number + 1) for number, at in enumerate(times))


def test_departures_differ_from_drain_to_drain() -> None:
    assert departures(10, 30) != departures(10, 30)


async def test_all_are_told_at_once_and_closed_in_a_stream(hub: Hub) -> None:
    order: list[TimedLink] = []
    links = [TimedLink(order) for _ in range(20)]
    for number, link in enumerate(links):
        connection = Connection(actor(f"user{number}"), link)
        connection.greet(GREETING, {}, set())
        hub.add(connection)
    start = asyncio.get_running_loop().time()
    running = asyncio.create_task(drained(hub, at_once, nobody, seconds=0.8))
    await asyncio.sleep(0)
    assert all(len(moves(link)) == 1 for link in links)
    assert order == []
    await asyncio.wait_for(running, 5)

    delays = [moves(link)[0] / 1000 for link in order]
    assert delays == sorted(delays)
    assert order != links, "those who came first would all leave first"
    assert delays[0] <= 0.03 + 0.001
    assert 0.57 - 0.001 <= delays[-1] <= 0.6
    for link, delay in zip(order, delays, strict=True):
        # A quarter of the time is left to those who leave by themselves.
        assert delay + 0.2 - 0.002 <= link.shut_at - start
        assert link.closing == DRAINING
        assert link.frames[-1].text == CLOSED


async def test_who_left_is_not_waited_for(hub: Hub) -> None:
    connections = [greeted(f"user{number}")[0] for number in range(3)]
    for connection in connections:
        hub.add(connection)
    running = asyncio.create_task(drained(hub, at_once, nobody, seconds=60))
    await asyncio.sleep(0.01)
    for connection in connections:
        hub.remove(connection)
    await asyncio.wait_for(running, 2)
    assert [connection.closing for connection in connections] == [None] * 3


async def test_nobody_is_nothing_to_wait_for(hub: Hub) -> None:
    await asyncio.wait_for(drained(hub, at_once, nobody, seconds=60), 1)


async def test_without_time_all_are_closed_without_a_notice(hub: Hub) -> None:
    connection, link = greeted("ada")
    hub.add(connection)
    await asyncio.wait_for(drained(hub, at_once, nobody, seconds=0), 1)
    assert (moves(link), link.closing) == ([], DRAINING)


async def test_a_client_is_closed_when_it_has_its_answers_and_holds_up_nobody(hub: Hub) -> None:
    busy, busy_link = greeted("ada")
    idle, idle_link = greeted("bob")
    hub.add(busy)
    hub.add(idle)
    answered = asyncio.Event()

    async def finish(connection: Connection) -> None:
        if connection is busy:
            await answered.wait()

    running = asyncio.create_task(drained(hub, finish, nobody, seconds=0.04))
    await asyncio.sleep(0.2)
    assert (busy_link.closing, idle_link.closing) == (None, DRAINING)
    answered.set()
    await asyncio.wait_for(running, 1)
    assert busy_link.closing == DRAINING


async def test_answers_are_not_waited_for_without_end(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "FINISH_SECONDS", 0.05)
    cut_off: list[int] = []
    (slow, slow_link), (broken, broken_link) = greeted("ada"), greeted("bob")
    hub.add(slow)
    hub.add(broken)

    async def finish(connection: Connection) -> None:
        if connection is broken:
            raise ZeroDivisionError
        await asyncio.Event().wait()

    # Not printed: to draw a traceback takes longer than all else here.
    with capture_logs() as lines:
        await asyncio.wait_for(drained(hub, finish, cut_off.append, seconds=0), 1)
    assert [line["exc_info"] for line in lines] == [True]
    assert (slow_link.closing, broken_link.closing) == (DRAINING, DRAINING)
    assert cut_off == [1]


async def test_a_socket_not_yet_greeted_hears_of_the_move_behind_its_greeting(hub: Hub) -> None:
    connection, link = warming("ada")
    hub.add(connection)
    running = asyncio.create_task(drained(hub, at_once, nobody, seconds=0.2))
    await asyncio.sleep(0)
    assert link.frames == []
    connection.greet(GREETING, {}, set())
    assert len(moves(link)) == 1
    await asyncio.wait_for(running, 2)
    assert link.frames[-1].text == CLOSED
