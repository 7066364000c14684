"""What is counted of events on their way to sockets."""

import asyncio
from time import time

import pytest
from msgspec.structs import replace

from tests.samples import sample
from tests.unit.realtime.parts import (
    ROOM,
    NotedLink,
    announced,
    entering,
    greeted,
    hub_of,
    in_passing,
)
from whatchat.domain.audience import Announcement, InRoom, Part
from whatchat.domain.ids import Seq, SessionId, UserId
from whatchat.domain.signals import SessionExpiring
from whatchat.observability.exposition import OPENMETRICS, Exposition
from whatchat.observability.metrics import Metrics
from whatchat.realtime.connection import VOLATILE_BYTES
from whatchat.realtime.deliveries import Deliveries
from whatchat.realtime.fanout import Fanout
from whatchat.realtime.live_hub import LiveHub
from whatchat.realtime.outflow import Flusher, Outflow
from whatchat.realtime.tasks import Tasks

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


class Counted:
    """A fan-out, and what it counts."""

    def __init__(self, tasks: Tasks) -> None:
        self.metrics = Metrics()
        self.flusher = Flusher(2**20)
        self.deliveries = Deliveries(self.metrics, self.flusher)
        self.hub = hub_of(tasks)
        self.fanout = Fanout(self.hub, self.deliveries)

    def join(self, user_id: str, *, since: int = 1, session: str = "") -> NotedLink:
        connection, link = greeted(user_id, session)
        self.hub.enter(self.hub.add(connection), ROOM, Seq(since))
        return link

    def told(self, event: str) -> float:
        return self.of("deliveries_total", event=event)

    def of(self, name: str, **labels: str) -> float:
        return sample(self.metrics, name, **labels)


@pytest.fixture
async def counted(tasks: Tasks) -> Counted:
    return Counted(tasks)


async def test_an_event_counts_once_for_each_socket_and_once_as_a_crowd(counted: Counted) -> None:
    for session in ("phone", "desk", "car"):
        counted.join("ada", session=session)
    counted.join("bob")
    excepted = InRoom(room_id=ROOM, except_session=SessionId("desk"))
    counted.fanout.deliver(announced(2, excepted))
    assert counted.told("message:new") == 3
    counted.fanout.deliver(announced(3, event="message:updated"))
    assert (counted.told("message:new"), counted.told("message:updated")) == (3, 4)
    assert counted.of("fanout_sockets_count") == 2
    assert counted.of("fanout_sockets_sum") == 7


async def test_what_is_for_a_user_counts(counted: Counted) -> None:
    connection, _ = greeted("ada")
    counted.hub.add(connection)
    counted.fanout.deliver(entering(4, "ada"))
    counted.fanout.deliver(entering(4, "nobody"))
    assert counted.told("room:created") == counted.of("fanout_sockets_count") == 1


async def test_those_for_whom_it_holds_nothing_are_told_another_event(counted: Counted) -> None:
    counted.join("ada")
    for session in ("phone", "desk"):
        counted.join("eve", since=6, session=session)
    counted.fanout.deliver(announced(9, InRoom(room_id=ROOM, seq=Seq(5))))
    assert (counted.told("message:new"), counted.told("room:rev")) == (1, 2)
    assert counted.of("fanout_sockets_sum") == 3


async def test_each_part_counts_by_its_own_event(counted: Counted) -> None:
    counted.join("ada")
    counted.join("bob")
    ada, both = (UserId("ada"),), (UserId("ada"), UserId("bob"), UserId("eve"))
    parts = (
        Part(event="receipt:read", payload=b"{}", among=both),
        Part(event="receipt:delivered", payload=b"{}", among=ada),
    )
    one = Announcement(audience=InRoom(room_id=ROOM), event="receipts", payload=b"", parts=parts)
    counted.fanout.deliver(one)
    assert (counted.told("receipt:read"), counted.told("receipt:delivered")) == (2, 1)
    assert counted.told("receipts") == 0


async def test_what_a_slow_reader_is_not_told_is_counted_as_dropped(counted: Counted) -> None:
    counted.join("ada")
    slow = counted.join("eve")
    slow.congested, slow.buffered = True, VOLATILE_BYTES + 1
    counted.fanout.deliver(in_passing())
    assert (counted.told("typing:start"), counted.of("volatile_dropped_total")) == (1, 1)
    live = LiveHub()
    live.attach(counted.hub, counted.deliveries)
    sessions = [SessionId(f"{name}-session") for name in ("ada", "eve", "nobody")]
    live.tell(sessions, SessionExpiring(in_seconds=60))
    assert (counted.told("session:expiring"), counted.of("volatile_dropped_total")) == (1, 2)


async def test_latency_ends_when_the_network_has_it(counted: Counted) -> None:
    class Written(Outflow):
        def flush(self) -> None:
            seen.append(counted.of("delivery_seconds_count", origin="local"))

    seen: list[float] = []
    counted.join("ada")
    at = time()
    counted.fanout.deliver(replace(announced(2), accepted_at=at - 3))
    counted.flusher.put(Written(counted.flusher))
    await asyncio.sleep(0)
    assert seen == [0]
    assert counted.of("delivery_seconds_count", origin="local") == 1
    assert 3 <= counted.of("delivery_seconds_sum", origin="local") < 4


@pytest.mark.parametrize(("remote", "origin"), [(False, "local"), (True, "remote")])
async def test_latency_is_told_by_origin_and_never_below_zero(
    counted: Counted, remote: bool, origin: str
) -> None:
    counted.join("ada")
    ahead = replace(announced(2), accepted_at=time() + 60, remote=remote)
    counted.fanout.deliver(ahead)
    await asyncio.sleep(0)
    assert counted.of("delivery_seconds_count", origin=origin) == 1
    assert counted.of("delivery_seconds_sum", origin=origin) == 0
    other = {"local": "remote", "remote": "local"}[origin]
    assert counted.of("delivery_seconds_count", origin=other) == 0


async def test_no_latency_is_known_of_what_is_told_again_or_to_nobody(counted: Counted) -> None:
    counted.join("ada")
    counted.fanout.deliver(announced(2))
    to_nobody = InRoom(room_id=ROOM, except_session=SessionId("ada-session"))
    counted.fanout.deliver(replace(announced(3, to_nobody), accepted_at=time()))
    await asyncio.sleep(0)
    assert counted.of("delivery_seconds_count", origin="local") == 0


async def test_a_sampled_trace_is_the_exemplar(counted: Counted) -> None:
    counted.join("ada")
    trace = f"00-{TRACE_ID}-b7ad6b7169203331-01"
    counted.fanout.deliver(replace(announced(2), accepted_at=time(), trace=trace))
    await asyncio.sleep(0)
    text = (await Exposition(counted.metrics).of(OPENMETRICS)).decode()
    [line] = [line for line in text.splitlines() if TRACE_ID in line]
    assert line.startswith("whatchat_delivery_seconds_bucket")
