"""What no client sends: it is closed or refused, and never more than that."""

import asyncio
import json
import logging
import time
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.integration.sockets.pods import House, Node, token
from whatchat.domain.ids import UserId
from whatchat.domain.ports.room_store import Membership
from whatchat.observability.logging import hashed
from whatchat.realtime.link import Transport


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[list[EventDict]]:
    """Nothing of all this may log an error."""
    with capture_logs() as lines:
        yield lines
    assert [line for line in lines if line["log_level"] in {"error", "critical"}] == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


MALFORMED = [
    "",
    "x",
    "2",
    "5",
    "6",
    "7",
    "4",
    "4x",
    "49",
    "42",
    "42{}",
    "42[]",
    "42[1]",
    "42[null]",
    '42"text"',
    '42["toy:nothing"',
    "42[NaN]",
    '42["\\ud800"]',
    "42" + "[" * 5000,
    '42/admin["toy:nothing"',
    '4299999999999999999999["toy:nothing"]',
    '421-["toy:nothing"]',
    '45["toy:nothing"]',
    '4599-["toy:nothing"]',
    '45999999999-["toy:nothing"]',
    "451-",
    '44{"message":"no"}',
    "43[]",
    "431",
    "40[]",
    '40{"token":"again"}',
    b"binary",
]


@pytest.mark.parametrize("packet", MALFORMED, ids=lambda packet: repr(packet)[:40])
async def test_malformed_packets_close_with_4400(
    house: House, node: Node, packet: str | bytes
) -> None:
    raw = await house.raw(node, user_id="ada")
    await raw.send(packet)
    code, packets = await raw.closed()
    assert code == 4400
    assert packets == ['42["session:closing",{"code":4400,"resume":false}]', "41"]
    assert len(node.realtime.hub) == 0


async def test_a_text_frame_within_a_binary_event_is_malformed(house: House, node: Node) -> None:
    raw = await house.raw(node, user_id="ada")
    await raw.send('451-["toy:echo",{"_placeholder":true,"num":0}]', '42["toy:nothing"]')
    assert (await raw.closed())[0] == 4400


async def test_binary_arguments_are_invalid(house: House, node: Node) -> None:
    raw = await house.raw(node, user_id="ada")
    placeholder = '{"_placeholder":true,"num":0}'
    await raw.send(f'451-7["toy:echo",{{"text":{placeholder}}}]', b"\x00")
    answer = json.loads((await raw.next("437"))[3:])[0]
    assert answer["error"]["code"] == "invalid"
    assert answer["error"]["field"] == "text"


async def test_events_before_connect_close_with_4401(house: House, node: Node) -> None:
    raw = await house.raw(node)
    await raw.send('42["toy:nothing"]')
    assert await raw.closed() == (4401, [])


async def test_events_to_other_namespaces_close_with_4401(house: House, node: Node) -> None:
    raw = await house.raw(node, user_id="ada")
    await raw.send('42/admin,["toy:nothing"]')
    assert (await raw.closed())[0] == 4401


async def test_a_socket_that_sends_no_connect_is_closed_after_5_seconds(
    house: House, node: Node
) -> None:
    raw, start = await house.raw(node), time.monotonic()
    assert await raw.closed() == (4401, [])
    assert 4.5 < time.monotonic() - start < 7


async def test_a_client_does_not_pay_for_a_slow_store(
    house: House, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whatchat.realtime.socket_server.CONNECT_SECONDS", 0.1)
    memberships = house.store.rooms.memberships

    async def slow_memberships(user_id: UserId) -> list[Membership]:
        await asyncio.sleep(0.5)
        return await memberships(user_id)

    monkeypatch.setattr(house.store.rooms, "memberships", slow_memberships)
    client = await house.client(node, "ada")
    assert client.names() == ["session:ready"]


async def test_a_frame_that_is_too_large_closes_with_1009(house: House) -> None:
    node = await house.node(transport=Transport(max_payload_bytes=1024))
    raw = await house.raw(node, user_id="ada")
    await raw.send("42" + "x" * 1500)
    code, heard = await raw.closed()
    assert code == 1009
    assert any("session:closing" in text for text in heard)


async def test_a_silent_client_is_closed_as_lost(house: House) -> None:
    transport = Transport(ping_interval_ms=150, ping_timeout_ms=1000)
    node = await house.node(transport=transport)
    raw = await house.raw(node)
    await raw.next("2")
    await raw.connect("ada")
    await raw.send("3")
    for _ in range(2):
        await raw.next("2")
        await raw.send("3")
    code, packets = await raw.closed()
    assert code == 4408
    assert packets == ["2", '42["session:closing",{"code":4408,"resume":true}]']


async def test_a_client_that_asks_too_much_at_once_is_not_read_until_there_is_room(
    house: House,
) -> None:
    node = await house.node(transport=Transport(ping_interval_ms=400, ping_timeout_ms=400))
    raw = await house.raw(node, user_id="ada")
    await raw.send('420["toy:wait",{}]')
    for number in range(1, 101):
        await raw.send(f'42{number}["toy:nothing"]')
    await asyncio.sleep(1.5)  # its PONGs are not read either, and nobody minds
    node.toys.gate.set()
    for number in range(101):
        assert await raw.next("43") == f'43{number}[{{"ok":true,"data":{{}}}}]'


async def test_polling_hears_of_its_closing_and_is_then_unknown(house: House, node: Node) -> None:
    poller = await house.poller(node, user_id="ada")
    assert (await poller.post("42{}"))[0] == 400
    status, text = await poller.get()
    assert (status, text.split("\x1e")) == (
        200,
        ['42["session:closing",{"code":4400,"resume":false}]', "41", "1"],
    )
    assert (await poller.get())[0] == 400
    assert (await poller.post('42["toy:nothing"]'))[0] == 400


async def test_a_pending_poll_is_answered_when_the_server_closes(house: House, node: Node) -> None:
    poller = await house.poller(node)
    pending = asyncio.create_task(poller.get())
    await asyncio.sleep(0.05)
    assert (await poller.post(b"\xff"))[0] == 400
    assert await pending == (200, "1")


async def test_a_second_poll_beside_a_pending_one_is_malformed(house: House, node: Node) -> None:
    poller = await house.poller(node, user_id="ada")
    pending = asyncio.create_task(poller.get())
    await asyncio.sleep(0.05)
    assert (await poller.get())[0] == 400
    assert '"code":4400' in (await pending)[1]


async def test_a_body_that_is_too_large_ends_polling(house: House) -> None:
    node = await house.node(transport=Transport(max_payload_bytes=1024))
    poller = await house.poller(node, user_id="ada")
    assert (await poller.post("4" * 2000))[0] == 413
    assert '"code":1009' in (await poller.get())[1]


async def test_ids_of_sessions_are_logged_as_digests_alone(
    house: House, node: Node, logged: list[EventDict]
) -> None:
    raw = await house.raw(node)
    await raw.send("40" + json.dumps({"token": token("ada")}))
    session_id = json.loads((await raw.next("40"))[2:])["sid"]
    await raw.send("41")
    assert (await raw.closed())[0] == 4401
    lines = [line for line in logged if line["event"] in {"connected", "disconnected"}]
    assert [line["event"] for line in lines] == ["connected", "disconnected"]
    assert lines[1]["reason"] == "client disconnect"
    assert {line["user_id"] for line in lines} == {"ada"}
    assert {line["transport"] for line in lines} == {"websocket"}
    assert {line["socket"] for line in lines} == {hashed(session_id)}
    assert session_id not in repr(logged)
