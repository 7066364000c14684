"""Events are read leniently: what is unknown never breaks what is known."""

from typing import Any

import pytest

from whatchat.client.events import MessageSent, RevTaken, SessionReady, decode_event
from whatchat.domain.ids import Rev, RoomId

MESSAGE: dict[str, Any] = {
    "id": "m1",
    "roomId": "r1",
    "seq": 2,
    "rev": 2,
    "clientId": "c" * 16,
    "sender": {"id": "u1", "username": "ann", "displayName": "Ann"},
    "messageType": "text",
    "content": "Hello",
    "createdAt": "2026-01-01T00:00:00.000Z",
    "reactions": [{"emoji": "👍", "users": ["u2"]}],
}


def test_a_message_of_an_unknown_type_with_unknown_fields_is_a_message() -> None:
    message = {**MESSAGE, "messageType": "hologram", "depth": 3}
    event = decode_event("message:new", {"roomId": "r1", "rev": 2, "message": message, "x": 1})
    assert isinstance(event, MessageSent)
    assert event.message.message_type == "hologram"
    assert event.message.reactions[0].users == ["u2"]


def test_of_an_unknown_room_event_its_rev_remains() -> None:
    event = decode_event("poll:opened", {"roomId": "r1", "rev": 7, "poll": {}})
    assert event == RevTaken(room_id=RoomId("r1"), rev=Rev(7))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("weather:changed", {"roomId": "r1"}),
        ("weather:changed", None),
        ("message:new", {"roomId": "r1", "rev": 2}),
        ("message:new", {"roomId": "r1", "rev": 2, "message": {**MESSAGE, "seq": "two"}}),
        ("message:new", "text"),
    ],
)
def test_what_is_not_understood_is_no_event(name: str, data: object) -> None:
    assert decode_event(name, data) is None


def test_session_ready_needs_only_what_the_client_uses() -> None:
    ready = {"userId": "u", "deviceId": "d", "sessionId": "s", "epoch": "e", "protocol": 9}
    event = decode_event("session:ready", ready)
    assert isinstance(event, SessionReady)
    assert event.epoch == "e"
