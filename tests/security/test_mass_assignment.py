"""Fields that nobody may set."""

import json
from typing import Any, Final

from tests.security.commands import ask, ask_socket, filled, ids_of, rows
from tests.security.person import Person, field_of
from tests.security.stage import Stage

FORBIDDEN_FIELDS: Final = (
    "role",
    "isAdmin",
    "senderId",
    "createdBy",
    "rev",
    "createdAt",
    "hidden",
    "passwordHash",
    "__proto__",
    "constructor",
    "$set",
    "_id",
    "user_id",
)

OVER_REST: Final = 3
"""So many of them also over REST, which is the same code and takes longer."""


async def test_fields_that_are_not_the_callers_to_set(stage: Stage) -> None:
    """Every command refuses every field that it does not have, by its name, and does nothing."""
    ada = await stage.person()
    wire = await ada.socket()
    room = await ada.group()
    message = await ada.send(room, "hi")
    ids = ids_of(room, message["id"], ada.id)
    before = await _state(ada, room)
    for row in rows():
        for number, name in enumerate(FORBIDDEN_FIELDS):
            every_way = ask if number < OVER_REST else ask_socket
            for refused in await every_way(ada, wire, row, filled(row, ids) | {name: "1"}):
                assert refused.status in {None, 422}, refused
                assert (refused.code, refused.field) == ("invalid", name), refused
    assert await _state(ada, room) == before
    assert (await ada.get("/users/me")).status_code == 200


async def test_fields_below_settings(stage: Stage) -> None:
    """What stands deeper is as strict as what stands at the top."""
    ada = await stage.person()
    room = await ada.group()
    wire = await ada.socket()
    for name in ("role", "rev", "admins", "__proto__"):
        body = {"roomId": room, "settings": {"isPrivate": True, name: 1}}
        error = (await wire.ask("room:update", body))["error"]
        assert (error["code"], error["field"]) == ("invalid", f"settings.{name}")


async def test_making_oneself_an_admin(stage: Stage) -> None:
    """A member who asks for a role in every way that there is stays a member."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group(eve)
    attempts = (
        ("PUT", f"/rooms/{room}/admins/{eve.id}", None, 403),
        ("PUT", f"/rooms/{room}", {"role": "admin"}, 422),
        ("PUT", f"/rooms/{room}", {"settings": {"isPrivate": False}}, 403),
        ("POST", f"/rooms/{room}/join", {"role": "admin"}, 422),
        ("PATCH", "/users/me", {"role": "admin"}, 422),
        ("DELETE", f"/rooms/{room}/admins/{ada.id}", None, 403),
    )
    for method, path, body, status in attempts:
        assert (await eve.ask(method, path, body)).status_code == status, (method, path)
    members = (await ada.done("GET", f"/rooms/{room}/members"))["members"]
    assert {one["user"]["id"]: one["role"] for one in members} == {
        ada.id: "admin",
        eve.id: "member",
    }


async def test_speaking_as_somebody_else_in_an_old_dialect(stage: Stage) -> None:
    """A dialect that lets clients say who they are believes nobody who says another name."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group(eve)
    heard = await ada.socket()
    wire = await eve.socket(dialect="classic")
    ack = await wire.ask("join_room", {"roomId": room, "userId": ada.id})
    assert (ack["ok"], ack["error"]["code"]) == (False, "forbidden")
    body = {"roomId": room, "message": "I am Ada", "userId": ada.id, "timestamp": 1}
    ack = await wire.ask("send_message", body)
    assert (ack["ok"], ack["error"]["code"]) == (False, "forbidden")
    await heard.settled()
    assert "I am Ada" not in heard.said()
    assert await ada.history(room) == []


async def test_fields_said_twice(stage: Stage) -> None:
    """Path, query and body cannot be made to disagree about whom a request is for."""
    ada, eve = await stage.people("ada", "eve")
    own, other = await eve.group(), await ada.group()
    body = {"roomId": other, "name": "Mine"}
    answer = await eve.ask("PUT", f"/rooms/{own}", body)
    assert (answer.status_code, field_of(answer)) == (422, "roomId")
    answer = await eve.get(f"/messages/{own}?roomId={other}")
    assert (answer.status_code, field_of(answer)) == (422, "roomId")
    answer = await eve.get("/rooms?limit=1&limit=2")
    assert (answer.status_code, field_of(answer)) == (422, "limit")


async def _state(person: Person, room: str) -> str:
    """All that there is to see of a room and of oneself."""
    paths = ("/users/me", "/rooms", f"/rooms/{room}", f"/messages/{room}", "/devices", "/blocks")
    answers: list[Any] = [await person.done("GET", path) for path in paths]
    for device in answers[4]["devices"]:
        device.pop("lastSeenAt", None)
    return json.dumps(answers)
