"""How sockets come, live and go, as scrapers are told."""

import asyncio
import json
import time

import aiohttp
import pytest

from tests.integration.sockets.pods import House, Node, Raw, token
from tests.samples import sample
from tests.waiting import until
from whatchat.domain.ids import RoomId, random_id
from whatchat.domain.ports.limiter import Quota
from whatchat.realtime import server
from whatchat.realtime.caps import Caps
from whatchat.realtime.frame import plain_frame
from whatchat.realtime.link import SLOW_CONSUMER, Transport

POLL = "EIO=4&transport=polling"
BOTH = ("websocket", "polling")
LARGE = plain_frame('42["toyed",{"padding":"' + "x" * 50_000 + '"}]')


def sockets(node: Node) -> tuple[float, float]:
    """How many there are by WebSocket, and by polling."""
    counts = [sample(node.metrics, "connected_sockets", transport=name) for name in BOTH]
    return counts[0], counts[1]


async def status(url: str, headers: dict[str, str] | None = None, method: str = "GET") -> int:
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, url, headers=headers) as answer,
    ):
        return answer.status


async def test_sockets_are_counted_by_the_transport_that_they_now_have(
    house: House, node: Node
) -> None:
    await house.raw(node)  # shook hands, and is not let in
    poller = await house.poller(node, user_id="ada")
    raw = await house.raw(node, user_id="bob")
    assert sockets(node) == (1, 1)
    assert [sample(node.metrics, "connects_total", transport=name) for name in BOTH] == [1, 1]
    upgrade = await house.stack.enter_async_context(aiohttp.ClientSession())
    url = f"{node.url}/socket.io/?EIO=4&transport=websocket&sid={poller.sid}"
    async with upgrade.ws_connect(url) as ws:
        await ws.send_str("2probe")
        assert await ws.receive_str() == "3probe"
        await ws.send_str("5")
        await until(lambda: sockets(node) == (2, 0))
        assert sample(node.metrics, "connects_total", transport="polling") == 1
    await raw.ws.close()
    await until(lambda: sockets(node) == (0, 0))


async def test_the_way_to_the_greeting_is_timed(house: House, node: Node) -> None:
    raw = await house.raw(node)
    await asyncio.sleep(0.1)
    assert sample(node.metrics, "connect_seconds_count") == 0
    await raw.connect("ada")
    await until(lambda: sample(node.metrics, "connect_seconds_count") == 1)
    assert 0.1 <= sample(node.metrics, "connect_seconds_sum") < 5


async def test_heartbeats_are_timed(house: House) -> None:
    node = await house.node(transport=Transport(ping_interval_ms=30))
    raw = await house.raw(node)
    assert await raw.next("2") == "2"  # before anything else, and none comes until it is answered
    await raw.connect("ada")
    [connection] = node.realtime.hub
    time.sleep(0.02)  # noqa: ASYNC251 - the answer takes that long
    assert connection.round_trip is None
    await raw.send("3")
    await until(lambda: sample(node.metrics, "heartbeat_seconds_count") >= 1)
    assert 0.02 <= sample(node.metrics, "heartbeat_seconds_sum") < 5
    assert connection.round_trip


async def test_refused_handshakes_are_counted_by_status(house: House) -> None:
    node = await house.node(caps=Caps(handshakes=Quota(rate=0.001, burst=2)))

    def refused(reason: str) -> float:
        return sample(node.metrics, "refusals_total", reason=reason)

    base = f"{node.url}/socket.io/"
    assert await status(f"{base}?EIO=3&transport=polling") == 400
    assert await status(f"{base}?{POLL}", method="POST") == 400
    assert refused("400") == 2
    assert await status(f"{base}?{POLL}", {"Origin": "http://evil.example"}) == 403
    assert refused("403") == 1
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    for version, path, expected in (
        ("13", "/socket.io/?EIO=4&transport=polling", 400),
        ("13", "/elsewhere/?EIO=4&transport=websocket", 404),
        ("8", "/socket.io/?EIO=4&transport=websocket", 426),
    ):
        headers = {**upgrade, "Sec-WebSocket-Version": version}
        assert await status(node.url + path, headers) == expected
    assert (refused("400"), refused("404"), refused("426")) == (3, 1, 1)
    statuses = [await status(f"{base}?{POLL}") for _ in range(3)]
    assert statuses[-1] == 429
    assert refused("429") == statuses.count(429)


async def test_a_session_that_is_elsewhere_is_no_refused_handshake(
    house: House, node: Node
) -> None:
    other = await house.node()
    poller = await house.poller(other)
    assert await status(f"{node.url}/socket.io/?{POLL}&sid={poller.sid}") == 400
    assert sample(node.metrics, "unknown_sessions_total") == 1
    assert sample(node.metrics, "refusals_total", reason="400") == 0
    assert sample(other.metrics, "unknown_sessions_total") == 0


async def test_refused_connects_are_counted_by_the_errors_code(
    house: House, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(reason: str) -> float:
        return sample(node.metrics, "refusals_total", reason=reason)

    async def connect(packet: str) -> None:
        raw = await house.raw(node)
        await raw.send(packet)
        await raw.next("44")

    await connect('40{"token":"nonsense"}')
    await connect('40/admin,{"token":"nonsense"}')
    monkeypatch.setattr(node.realtime, "_require_room", lambda _actor: 1 / 0)
    await connect("40" + json.dumps({"token": token("ada")}))
    assert [refused(code) for code in ("unauthenticated", "not_found", "unavailable")] == [1, 1, 1]
    assert sockets(node) == (0, 0)


async def test_closes_are_counted_by_code(house: House, node: Node) -> None:
    leaver, rude, slow = [await house.raw(node, user_id=name) for name in ("ada", "bob", "eve")]
    await leaver.ws.close()
    await rude.send("nonsense")
    for connection in node.realtime.hub:
        if connection.actor.user_id == "eve":
            connection.close(SLOW_CONSUMER)
    await slow.closed()
    for code in ("client", "4400", "4408"):
        await until(lambda: sample(node.metrics, "closes_total", code=code) == 1)  # noqa: B023


async def room_of_ada_and_bob(house: House, node: Node) -> RoomId:
    ada = await house.client(node, "ada")
    opened = {"kind": "group", "participants": ["bob"], "clientId": random_id()}
    return RoomId((await ada.ask("room:create", opened))["data"]["room"]["id"])


async def test_rooms_people_and_what_waits_for_them_are_measured(house: House, node: Node) -> None:
    await room_of_ada_and_bob(house, node)
    await house.client(node, "ada")
    slow: Raw = await house.raw(node, user_id="bob")
    assert (sample(node.metrics, "local_rooms"), sample(node.metrics, "local_users")) == (1, 2)
    assert (sample(node.metrics, "outbox_bytes"), sample(node.metrics, "congested_sockets")) == (
        0,
        0,
    )
    (connection,) = [one for one in node.realtime.hub if one.actor.user_id == "bob"]
    slow.ws.transport.pause_reading()
    while not connection.congested:
        connection.deliver(LARGE)
        await asyncio.sleep(0)
    assert sample(node.metrics, "outbox_bytes") == connection.buffered > 0
    assert sample(node.metrics, "congested_sockets") == 1
    slow.ws.transport.abort()
    await until(lambda: sample(node.metrics, "outbox_bytes") == 0)
    assert sample(node.metrics, "congested_sockets") == 0


async def test_a_message_is_counted_and_timed_on_each_pod(house: House, node: Node) -> None:
    other = await house.node()
    room_id = await room_of_ada_and_bob(house, node)
    here, there = await house.client(node, "bob"), await house.client(other, "bob")
    said = {"roomId": room_id, "clientId": random_id(), "content": "hi"}
    await here.ask("message:send", said)
    await there.event("message:new")
    ledger = {"local": (node, 1), "remote": (other, 1)}  # ada's; the sender has its ack
    for origin, (pod, sockets_told) in ledger.items():
        await until(lambda: sample(pod.metrics, "delivery_seconds_count", origin=origin) >= 1)  # noqa: B023
        assert sample(pod.metrics, "deliveries_total", event="message:new") == sockets_told
        assert sample(pod.metrics, "delivery_seconds_sum", origin=origin) < 5
    assert sample(other.metrics, "delivery_seconds_count", origin="local") == 0


async def test_a_drain_is_followed(house: House, node: Node) -> None:
    raw = await house.raw(node, user_id="ada")
    assert sample(node.metrics, "draining") == sample(node.metrics, "drain_sockets_left") == 0
    stopping = asyncio.create_task(node.realtime.stop(seconds=2))
    await raw.next('42["session:moving"')
    assert sample(node.metrics, "draining") == sample(node.metrics, "drain_sockets_left") == 1
    assert await status(f"{node.url}/socket.io/?{POLL}") == 503
    assert sample(node.metrics, "refusals_total", reason="503") == 1
    await raw.ws.close()
    await stopping
    assert sample(node.metrics, "draining") == sample(node.metrics, "drain_sockets_left") == 0
    assert sample(node.metrics, "drain_cut_off_total") == 0


async def test_who_is_left_after_a_drain_is_counted_as_cut_off(
    house: House, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CUT_OFF_SECONDS", 0.05)
    raw = await house.raw(node, user_id="ada")
    raw.ws.transport.pause_reading()  # it does not answer the close frame
    await node.realtime.stop(seconds=0)
    assert sample(node.metrics, "drain_cut_off_total") == 1
    raw.ws.transport.abort()
