"""python-socketio's rooms over our engine: who is in them, and what those hear."""

from typing import Any

import pytest

from tests.conformance.clients import WebSocket
from tests.conformance.socketio_in_process import Joining
from whatchat.realtime.socket_server import SocketServer


@pytest.fixture
async def three(sio: SocketServer, join: Joining) -> dict[str, tuple[WebSocket, str]]:
    """Ada and Bob are in ``room``, Bob and Eve in ``hall``."""
    people = {name: await join() for name in ("ada", "bob", "eve")}
    for name, room in (("ada", "room"), ("bob", "room"), ("bob", "hall"), ("eve", "hall")):
        await sio.enter_room(people[name][1], room)
    return people


async def heard_by(three: dict[str, tuple[WebSocket, str]]) -> str:
    """The initials of those who heard an event, each of them once."""
    initials = ""
    for name, (socket, _) in three.items():
        heard = await socket.is_silent(seconds=0.05)
        initials += "" if heard else name[0]
        assert await socket.is_silent(seconds=0.02)
    return initials


@pytest.mark.parametrize(
    ("options", "heard"),
    [
        ({}, "abe"),
        ({"to": "room"}, "ab"),
        ({"room": "hall"}, "be"),
        ({"to": ["room", "hall"]}, "abe"),
        ({"to": "empty"}, ""),
        ({"to": "ada"}, "a"),
        ({"to": "room", "skip_sid": "ada"}, "b"),
        ({"to": ["room", "hall"], "skip_sid": ["bob", "eve"]}, "a"),
        ({"namespace": "/absent"}, ""),
    ],
)
async def test_events_reach_their_audience_and_each_of_it_once(
    sio: SocketServer,
    three: dict[str, tuple[WebSocket, str]],
    options: dict[str, Any],
    heard: str,
) -> None:
    def sids(names: Any) -> Any:
        if isinstance(names, list):
            return [sids(name) for name in names]
        return three[names][1] if names in three else names

    await sio.emit("event", **{key: sids(names) for key, names in options.items()})
    assert await heard_by(three) == heard


async def test_rooms_are_left_and_closed(
    sio: SocketServer, three: dict[str, tuple[WebSocket, str]]
) -> None:
    bob = three["bob"][1]
    assert set(sio.rooms(bob)) == {bob, "room", "hall"}
    await sio.leave_room(bob, "room")
    await sio.leave_room(bob, "never entered")
    await sio.emit("event", to="room")
    assert await heard_by(three) == "a"
    await sio.close_room("hall")
    await sio.emit("event", to="hall")
    assert await heard_by(three) == ""
    assert sio.rooms(bob) == [bob]
    assert [sid for sid, _ in sio.manager.get_participants("/", "room")] == [three["ada"][1]]


async def test_nobody_enters_the_room_that_is_a_client(
    sio: SocketServer, three: dict[str, tuple[WebSocket, str]]
) -> None:
    ada, bob = three["ada"][1], three["bob"][1]
    with pytest.raises(ValueError, match="sid room"):
        await sio.enter_room(bob, ada)
    await sio.enter_room(ada, ada)
    await sio.emit("event", to=ada)
    assert await heard_by(three) == "a"
    with pytest.raises(ValueError, match="not connected"):
        await sio.enter_room("nobody", "room")


async def test_an_event_is_written_as_it_is_given(sio: SocketServer, join: Joining) -> None:
    socket, sid = await join()
    for data in (None, "é", ("two", 2), [1, {"a": b"\0"}]):
        await sio.emit("event", data, to=sid)
    await sio.send("a message", to=sid)
    assert await socket.hear_all(6) == [
        '42["event"]',
        '42["event","é"]',
        '42["event","two",2]',
        '451-["event",[1,{"a":{"_placeholder":true,"num":0}}]]',
        b"\0",
        '42["message","a message"]',
    ]
