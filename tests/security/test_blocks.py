"""What gets past a block, and what a block gives away."""

import asyncio
import json

from tests.security.person import Person, code_of
from tests.security.stage import Stage
from whatchat.domain.ids import random_id

UNHEARD = "a word that is not heard"


async def pair(stage: Stage) -> tuple[Person, Person, str]:
    """Ada, who has blocked Eve, and the room that they share."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.direct(eve)
    await ada.send(room, "hello")
    await ada.done("PUT", f"/users/{eve.id}/block")
    return ada, eve, room


async def test_message_of_a_blocked_person(stage: Stage) -> None:
    """What a blocked person writes reaches the blocker nowhere, also when all is forgiven."""
    ada, eve, room = await pair(stage)
    wire = await ada.socket()
    message = await eve.send(room, UNHEARD)
    await eve.done("PATCH", f"/messages/{message['id']}", {"content": UNHEARD + ", edited"})
    await wire.settled()
    for _ in range(2):
        for path in (f"/messages/{room}", "/rooms", f"/rooms/{room}", "/search?query=heard"):
            assert UNHEARD not in (await ada.get(path)).text, path
        assert UNHEARD not in (await ada.ask("POST", "/sync", {"cursors": {room: 0}})).text
        assert (await ada.done("GET", "/rooms"))["rooms"][0]["unread"] == 0
        await ada.ask("DELETE", f"/users/{eve.id}/block")
    assert UNHEARD not in wire.said()


async def test_reply_and_reaction_of_a_blocked_person(stage: Stage) -> None:
    """A blocked person cannot reach the blocker through what the blocker said."""
    ada, eve, room = await pair(stage)
    mine = await ada.send(room, "of Ada's")
    wire = await ada.socket()
    await eve.send(room, UNHEARD, replyTo=mine["id"])
    await eve.done("PUT", f"/messages/{mine['id']}/reactions/%F0%9F%91%8D")
    await wire.settled()
    page = (await ada.done("GET", f"/messages/{room}"))["messages"]
    assert UNHEARD not in json.dumps(page)
    assert all(one["reactions"] == [] for one in page)
    assert not {"message:new", "message:updated"} & set(wire.names())


async def test_typing_across_a_block(stage: Stage) -> None:
    """Neither sees the other typing."""
    ada, eve, room = await pair(stage)
    first, second = await ada.socket(), await eve.socket()
    await first.ask("typing:start", {"roomId": room})
    await second.ask("typing:start", {"roomId": room})
    for wire in (first, second):
        await wire.settled()
        assert "typing:start" not in wire.names()


async def test_presence_across_a_block(stage: Stage) -> None:
    """Neither learns whether the other is there: not by asking, watching or being told."""
    ada, eve = await stage.people("ada", "eve")
    await ada.direct(eve)
    for person in (ada, eve):
        await person.done("PATCH", "/users/me", {"presence": "everyone"})
    await ada.done("PUT", f"/users/{eve.id}/block")
    first, second = await ada.socket(), await eve.socket()
    for wire, other in ((first, eve), (second, ada)):
        for event in ("presence:get", "presence:watch"):
            users = (await wire.ask(event, {"userIds": [other.id]}))["data"]["users"]
            assert users == [{"userId": other.id, "status": "offline"}], users
    assert ada.id not in (await eve.get("/users/online")).text
    await asyncio.sleep(0.3)
    for wire in (first, second):
        await wire.settled()
        assert "user:status" not in wire.names()


async def test_receipts_across_a_block(stage: Stage) -> None:
    """What a blocked person reads or receives from then on is not told to the blocker."""
    ada, eve, room = await pair(stage)
    message = await ada.send(room, "to be read")
    wire = await ada.socket()
    reading = await eve.socket()
    for event in ("message:delivered", "message:read"):
        assert (await reading.ask(event, {"roomId": room, "seq": message["seq"]}))["ok"] is True
    await asyncio.sleep(0.6)
    await wire.settled()
    assert not {"receipt:read", "receipt:delivered"} & set(wire.names())


async def test_adding_somebody_who_has_blocked_one(stage: Stage) -> None:
    """Nobody is drawn into a group by whom they have blocked, and the words do not say why."""
    ada, eve, _ = await pair(stage)
    bob = await stage.person("bob")
    room = await eve.group()
    for body in ({"userIds": [ada.id]}, {"userIds": [bob.id, ada.id]}):
        answer = await eve.ask("POST", f"/rooms/{room}/members", body)
        assert (answer.status_code, code_of(answer)) == (403, "forbidden")
        assert "block" not in answer.text.lower()
        assert ada.id not in answer.text
    group = {"kind": "group", "name": "Trap", "participants": [bob.id, ada.id]}
    answer = await eve.ask("POST", "/rooms", group)
    assert (answer.status_code, code_of(answer)) == (403, "forbidden")
    assert (await bob.done("GET", "/rooms"))["rooms"] == []


async def test_direct_room_opened_by_a_blocked_person(stage: Stage) -> None:
    """A new room with a blocked person is not there for the blocker."""
    ada, eve = await stage.people("ada", "eve")
    await ada.done("PUT", f"/users/{eve.id}/block")
    wire = await ada.socket()
    room = await eve.direct(ada)
    await eve.send(room, UNHEARD)
    await wire.settled()
    assert wire.names() == ["session:ready"]
    assert (await ada.done("GET", "/rooms"))["rooms"] == []
    assert (await ada.get(f"/rooms/{room}")).status_code == 404


async def test_finding_out_that_one_is_blocked(stage: Stage) -> None:
    """To the blocked person all answers look as they would without the block."""
    ada, eve = await stage.people("ada", "eve")
    bob = await stage.person("bob")
    rooms = {ada: await eve.direct(ada), bob: await eve.direct(bob)}
    await ada.done("PUT", f"/users/{eve.id}/block")
    wire = await eve.socket()
    shapes = []
    for person, room in rooms.items():
        body = {"roomId": room, "clientId": random_id(), "content": "hello"}
        answers = [
            await wire.ask("message:send", body),
            await wire.ask("typing:start", {"roomId": room}),
            await wire.ask("user:block", {"userId": person.id}),
            await wire.ask("user:unblock", {"userId": person.id}),
            (await eve.get(f"/users/{person.id}")).status_code,
            (await eve.get(f"/rooms/{room}")).status_code,
            (await eve.done("GET", "/blocks")),
        ]
        shapes.append([_shape(answer) for answer in answers])
    assert shapes[0] == shapes[1]
    assert "block" not in wire.said().lower()


async def test_blocks_of_others(stage: Stage) -> None:
    """Whom somebody has blocked is for that person alone."""
    ada, eve, _ = await pair(stage)
    assert (await eve.done("GET", "/blocks"))["users"] == []
    assert eve.id in (await ada.get("/blocks")).text
    answer = await eve.get(f"/blocks?userId={ada.id}")
    assert (answer.status_code, code_of(answer)) == (422, "invalid")


def _shape(value: object) -> object:
    """What is there, without what it says."""
    if isinstance(value, dict):
        return {name: _shape(item) for name, item in value.items()}
    return type(value).__name__
