"""Events that only the server may raise, raised by a client."""

import json

from tests.security.stage import Stage
from whatchat.pod import documented


async def test_events_named_after_the_lifecycle(stage: Stage) -> None:
    """No event of a client reaches what handles connecting and disconnecting."""
    ada, eve = await stage.people("ada", "eve")
    wire = await eve.socket()
    for name in ("connect", "disconnect", "connect_error", "disconnecting", "newListener"):
        ack = await wire.ask(name, {"token": ada.token}, {"forged": True})
        assert (ack["error"]["code"], ack["error"]["field"]) == ("invalid", "event"), name
    await wire.settled()
    assert wire.names() == ["session:ready"]
    assert wire.ready["userId"] == eve.id


async def test_events_named_after_internals(stage: Stage) -> None:
    """What libraries call their own events and methods is no command."""
    ada = await stage.person()
    wire = await ada.socket()
    for name in (
        "*",
        "__disconnect_final",
        "__init__",
        "on_connect",
        "trigger_event",
        "",
        " ",
        "a" * 99,
    ):
        ack = await wire.ask(name, {})
        assert (ack["error"]["code"], ack["error"]["field"]) == ("invalid", "event"), name
    assert wire.names() == ["session:ready"]


async def test_events_of_the_server_from_a_client(stage: Stage) -> None:
    """What the server tells, nobody else can tell: no event of a client is passed on."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group(eve)
    heard = await ada.socket()
    wire = await eve.socket()
    forged = {
        "roomId": room,
        "rev": 99,
        "userId": ada.id,
        "code": 4401,
        "message": {"content": "x"},
    }
    catalogue = documented()
    names = set(catalogue.events) - set(catalogue.by_socket)
    assert {"message:new", "room:removed", "session:ready", "session:closing"} <= names
    for name in sorted(names):
        ack = await wire.ask(name, forged)
        assert (ack["error"]["code"], ack["error"]["field"]) == ("invalid", "event"), name
    await heard.settled()
    assert not set(heard.names()) & names - {"session:ready"}


async def test_forged_acknowledgements(stage: Stage) -> None:
    """An acknowledgement of what was never sent changes nothing."""
    ada = await stage.person()
    wire = await ada.socket()
    for packet in ('431[{"ok":true}]', "430[]", '43999999[{"ok":false}]'):
        await wire.ws.send(packet)
    await wire.settled()
    assert wire.names() == ["session:ready"]


async def test_disconnecting_somebody_else(stage: Stage) -> None:
    """A DISCONNECT is about the socket it comes over, whatever else it says."""
    ada, eve = await stage.people("ada", "eve")
    victim = await ada.socket()
    wire = await eve.socket()
    await wire.ws.send("41" + json.dumps({"sid": victim.ready["sessionId"]}))
    await victim.settled()


async def test_binary_arguments(stage: Stage) -> None:
    """A command's arguments are JSON: bytes slipped in are refused, and nothing is sent."""
    ada = await stage.person()
    room = await ada.group()
    wire = await ada.socket()
    body = {"roomId": room, "clientId": "0123456789abcdef"}
    body |= {"content": {"_placeholder": True, "num": 0}}  # type: ignore[dict-item]
    await wire.ws.send("451-1" + json.dumps(["message:send", body]))
    await wire.ws.send(b"content")
    await wire._until(lambda: 1 in wire._acks)
    error = wire._acks[1]["error"]
    assert (error["code"], error["field"]) == ("invalid", "content")
    assert await ada.history(room) == []


async def test_placeholders_without_attachments(stage: Stage) -> None:
    """Packets that promise bytes which never come, or too many of them, end the connection."""
    ada = await stage.person()
    for packet in (
        '45999999999-["message:send",{}]',
        '451-["message:send",{}]0',
        '45-1-["a"]',
        "45",
    ):
        wire = await ada.socket()
        await wire.ws.send(packet)
        await wire.ws.send('42["typing:start",{}]')
        assert await wire.closed() == 4400, packet
