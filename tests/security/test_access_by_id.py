"""Somebody who knows every id there is, and has no business with any of them."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from tests.e2e.prying import OF_ONESELF, Ids
from tests.security.commands import Refused, filled, ids_of, rest, rows
from tests.security.person import Person, code_of
from tests.security.stage import Stage
from whatchat.domain.contract import Endpoint
from whatchat.domain.ids import random_id

SAID: Final = "said among friends"
OPEN_TO_ALL: Final = frozenset(
    {"CreateRoom", "GetUser", "BlockUser", "UnblockUser", "SearchUsers", "ListRooms", "Search"}
    | {"GetPresence", "WatchPresence", "UnwatchPresence", "Sync", "ReportUser", "CreateReport"}
)
"""What anybody may ask about people, or about whatever is their own: it succeeds and tells
nothing of the room."""

LEAVING: Final = frozenset({"LeaveRoom", "DeleteMessage", "UpdateRoom"})
"""What changes what there is to ask about: tried last."""


def about_a_room() -> list[Endpoint]:
    """The rows that take the id of a room or of a message."""
    return [row for row in rows() if {"roomId", "messageId"} & _names(row)]


def _names(row: Endpoint) -> set[str]:
    return {str(one) for one in filled(row, ids_of())}


async def pry(person: Person, ids: Ids) -> list[Refused]:
    """Ask for all that is about a room; each refusal, and every success fails."""
    wire = await person.socket()
    refused = []
    for row in about_a_room():
        fields = filled(row, ids)
        if "clientId" in fields:
            fields["clientId"] = random_id()
        if row.socket:
            ack = await wire.ask(row.socket, fields)
            answered: list[tuple[str, int | None, Any]] = [(row.socket, None, ack.get("error"))]
        else:
            answered = []
        if row.http:
            answer = await rest(person, row, fields)
            answered.append((row.http, answer.status_code, answer.json().get("error")))
        for way, status, error in answered:
            if row.command.__name__ == "Report" or "reports" in way:
                continue
            assert error is not None, f"{way} was done"
            refused.append(Refused(way, status, error["code"], error.get("field"), error))
    assert SAID not in wire.said()
    return refused


async def everything(person: Person, room: str) -> str:
    """What a member sees of the room."""
    paths = (f"/rooms/{room}", f"/rooms/{room}/members", f"/messages/{room}")
    return json.dumps([await person.done("GET", path) for path in paths])


def assert_all(refused: Sequence[Refused], *codes: str) -> None:
    """Nothing but these, each with its status, and in words that say nothing of the room."""
    statuses = {"not_found": 404, "forbidden": 403}
    assert len(refused) > 25
    for one in refused:
        assert one.code in codes, one
        assert one.status in {None, statuses[one.code]}, one
        assert SAID not in json.dumps(one.content)
        assert "Secret" not in json.dumps(one.content)


async def test_every_id_as_a_stranger(stage: Stage) -> None:
    """To somebody outside, a private room and all in it does not exist, whatever is asked."""
    ada, bob, eve = await stage.people("ada", "bob", "eve")
    room = await ada.group(bob, name="Secret")
    message = await ada.send(room, SAID)
    before = await everything(ada, room)
    heard = await bob.socket()
    assert_all(await pry(eve, ids_of(room, message["id"], bob.id)), "not_found")
    assert await everything(ada, room) == before
    await heard.settled()
    assert heard.names() == ["session:ready"]


async def test_every_id_of_a_direct_room_as_a_stranger(stage: Stage) -> None:
    """What two people have between them is nobody else's."""
    ada, bob, eve = await stage.people("ada", "bob", "eve")
    room = await ada.direct(bob)
    message = await ada.send(room, SAID)
    before = await everything(ada, room)
    assert_all(await pry(eve, ids_of(room, message["id"], bob.id)), "not_found")
    assert await everything(ada, room) == before


async def test_every_id_as_an_ex_member(stage: Stage) -> None:
    """Who is out is out: also of what was said before, and of one's own messages."""
    ada, bob, eve = await stage.people("ada", "bob", "eve")
    room = await ada.group(bob, eve, name="Secret")
    message = await ada.send(room, SAID)
    own = await eve.send(room, "of Eve's own")
    await ada.done("DELETE", f"/rooms/{room}/members/{eve.id}")
    before = await everything(ada, room)
    for one in (message, own):
        assert_all(await pry(eve, ids_of(room, one["id"], bob.id)), "not_found")
    assert await everything(ada, room) == before


async def test_every_id_of_a_public_room_as_a_stranger(stage: Stage) -> None:
    """A public room can be found and joined; until then its people are among themselves."""
    ada, bob, eve = await stage.people("ada", "bob", "eve")
    room = await ada.group(bob, public=True)
    message = await ada.send(room, SAID)
    before = await everything(ada, room)
    wire = await eve.socket()
    for row in about_a_room():
        if row.command.__name__ in {"JoinRoom", "GetRoom"} or "reports" in str(row.http):
            continue
        fields = filled(row, ids_of(room, message["id"], bob.id))
        if row.socket:
            ack = await wire.ask(row.socket, fields)
            assert ack["ok"] is False, row.socket
            assert ack["error"]["code"] in {"forbidden", "not_found"}
        if row.http:
            answer = await rest(eve, row, fields)
            assert answer.status_code in {403, 404}, row.http
            assert SAID not in answer.text
    assert await everything(ada, room) == before


async def test_every_id_as_a_blocked_person(stage: Stage) -> None:
    """Who is blocked is answered to the byte as who is not, and the blocker hears nothing."""
    ada, eve = await stage.people("ada", "eve")
    others = await stage.people("bob", "dan")
    # Members are listed by their ids.
    bob, dan = sorted(others, key=lambda one: one.id, reverse=ada.id > eve.id)
    rooms = {ada: await ada.direct(eve), bob: await bob.direct(dan)}
    same = {"clientId": "the-same-for-both"}
    messages = {one: await one.send(room, SAID, **same) for one, room in rooms.items()}
    await ada.done("PUT", f"/users/{eve.id}/block")
    before = await ada.history(rooms[ada])
    heard = await ada.socket()
    told = []
    for person, other in ((ada, eve), (bob, dan)):
        ids = ids_of(rooms[person], messages[person]["id"], person.id)
        told.append(await answers_to(other, ids, unnamed(person, other, ids)))
    assert len(told[0]) > 25
    for of_blocked, of_other in zip(*told, strict=True):
        assert of_blocked == of_other
    assert await ada.history(rooms[ada]) == before
    await heard.settled()
    assert set(heard.names()) <= {"session:ready", "room:rev"}


async def answers_to(
    person: Person, ids: Ids, unnamed: Callable[[object], str]
) -> list[tuple[str, int | None, str]]:
    """How every way of asking about a room is answered, without what differs between rooms."""
    wire = await person.socket()
    told: list[tuple[str, int | None, str]] = []
    for row in sorted(about_a_room(), key=lambda row: row.command.__name__ in LEAVING):
        fields = filled(row, ids)
        if "reason" in {one.encode_name for one in msgspec.structs.fields(row.command)}:
            fields["reason"] = "rude"
        for way in (row.socket, row.http):
            if "clientId" in fields:
                fields["clientId"] = f"{row.command.__name__}-{way == row.http}".ljust(16, "-")
            if way and way == row.socket:
                told.append((way, None, unnamed(await wire.ask(way, fields))))
            elif way:
                answer = await rest(person, row, fields)
                told.append((way, answer.status_code, unnamed(answer.text)))
    return told


def unnamed(person: Person, other: Person, ids: Ids) -> Callable[[object], str]:
    """Writes an answer with names in place of what is random in it: ids, names, times."""
    names = {
        ids.message: "MESSAGE",
        ids.room: "ROOM",
        person.id: "PERSON",
        other.id: "OTHER",
        person.username: "person",
        other.username: "other",
    }

    def write(answer: object) -> str:
        text = answer if isinstance(answer, str) else json.dumps(answer)
        for random, name in names.items():
            text = text.replace(random, name)
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
        return re.sub(r'"(id|lastMessageId|traceId)": ?"[\w-]{20,32}"', r'"\1":"ID"', text)

    return write


async def test_acts_of_admins_by_a_member(stage: Stage) -> None:
    """A member who is no admin changes neither the room nor who is in it."""
    ada, bob, eve = await stage.people("ada", "bob", "eve")
    room = await ada.group(bob, eve)
    before = await everything(ada, room)
    for method, path, body in (
        ("PUT", f"/rooms/{room}", {"name": "Eve's"}),
        ("PUT", f"/rooms/{room}", {"settings": {"maxParticipants": 2}}),
        ("POST", f"/rooms/{room}/members", {"userIds": [bob.id]}),
        ("DELETE", f"/rooms/{room}/members/{bob.id}", None),
        ("PUT", f"/rooms/{room}/admins/{eve.id}", None),
        ("DELETE", f"/rooms/{room}/admins/{ada.id}", None),
    ):
        answer = await eve.ask(method, path, body)
        assert (answer.status_code, code_of(answer)) == (403, "forbidden"), path
    assert await everything(ada, room) == before


async def test_messages_of_others(stage: Stage) -> None:
    """Nobody edits what another said, and only admins take it away."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group(eve)
    message = await ada.send(room, SAID)
    path = f"/messages/{message['id']}"
    for method, body in (("PATCH", {"content": "I owe Eve money"}), ("DELETE", None)):
        answer = await eve.ask(method, path, body)
        assert (answer.status_code, code_of(answer)) == (403, "forbidden")
    theirs = await eve.send(room, "Eve's")
    answer = await ada.ask("PATCH", f"/messages/{theirs['id']}", {"content": "by an admin"})
    assert (answer.status_code, code_of(answer)) == (403, "forbidden")
    assert await ada.history(room) == [SAID, "Eve's"]


async def test_reply_to_what_is_not_to_be_read(stage: Stage) -> None:
    """A reply quotes nothing that its author may not read: other rooms, earlier days."""
    ada, eve = await stage.people("ada", "eve")
    private = await ada.group(name="Secret")
    hidden = await ada.send(private, SAID)
    shared = await ada.group()
    early = await ada.send(shared, SAID)
    await ada.done("POST", f"/rooms/{shared}/members", {"userIds": [eve.id]})
    wire = await eve.socket()
    for room, message in ((shared, hidden), (shared, early), (private, hidden)):
        body = {"roomId": room, "clientId": random_id(), "content": "?", "replyTo": message["id"]}
        answer = await eve.ask("POST", "/messages", body)
        assert (answer.status_code, code_of(answer)) == (404, "not_found")
        assert (await wire.ask("message:send", body))["error"]["code"] == "not_found"
        assert SAID not in answer.text + wire.said()
    assert await ada.history(shared) == [SAID]


async def test_cursors_of_rooms_of_others(stage: Stage) -> None:
    """Who claims to know a room by its cursor learns that it is gone, and nothing else."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group(name="Secret")
    await ada.send(room, SAID)
    for cursor in (0, 1, 2, 99):
        answer = await eve.done("POST", "/sync", {"cursors": {room: cursor}})
        assert (answer["rooms"], answer["removed"]) == ([], [room])
    nowhere = await eve.done("POST", "/sync", {"cursors": {"r" * 22: 1}})
    assert (nowhere["rooms"], nowhere["removed"]) == ([], ["r" * 22])


async def test_commands_that_concern_the_caller_alone(stage: Stage) -> None:
    """Every command is about a room, about people, or about oneself: none is left out above."""
    known = {row.command.__name__ for row in about_a_room()} | OPEN_TO_ALL | OF_ONESELF
    known |= {"GetMe", "ListDevices", "ListBlocks", "ListOnline", "Report"}
    assert {row.command.__name__ for row in rows()} <= known, "say who may do it"
    assert stage.node.port
