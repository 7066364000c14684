"""Every command that can be sent both ways is answered alike both ways."""

import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import Account, Socket, history, register, rest
from whatchat.domain.contract import Endpoint
from whatchat.pod import documented

ROWS = {
    endpoint.row.socket: endpoint.row
    for endpoint in documented()
    if endpoint.row.socket and endpoint.row.http
}


@dataclass
class World:
    """Ada, an admin, and Bob share a room with one message and one reaction by Bob."""

    node: NodeProcess
    ada: Account
    bob: Account
    eve: Account
    room: str
    public: str
    message: str
    sockets: dict[str, Socket]


async def make_world(node: NodeProcess) -> World:
    ada, bob, eve = [await register(node, name) for name in ("ada", "bob", "eve")]

    async def post(path: str, body: object, account: Account = ada) -> dict[str, Any]:
        status, answer = await rest(node, "POST", path, body, token=account.token)
        assert status == 201, answer
        return dict(answer)

    room = await post("/rooms", {"kind": "group", "name": "Room", "participants": [bob.id]})
    settings = {"isPrivate": False}
    public = await post(
        "/rooms", {"kind": "group", "name": "Open", "participants": [], "settings": settings}, bob
    )
    said = {"roomId": room["id"], "clientId": "the-first-message-1", "content": "hello"}
    message = await post("/messages", said)
    await rest(node, "PUT", f"/messages/{message['id']}/reactions/%E2%9D%A4", token=bob.token)
    sockets = {one.id: await Socket.connect(node, one) for one in (ada, bob, eve)}
    return World(node, ada, bob, eve, room["id"], public["id"], message["id"], sockets)


@pytest.fixture
async def worlds(node: NodeProcess) -> AsyncIterator[tuple[World, World]]:
    """Two worlds alike, one for each way."""
    both = await make_world(node), await make_world(node)
    yield both
    for world in both:
        for socket in world.sockets.values():
            await socket.close()


Case = tuple[str, Callable[[World], dict[str, Any]]]

CASES: dict[str, Case] = {
    "message:send": (
        "bob",
        lambda w: {"roomId": w.room, "clientId": "a-client-id-00001", "content": "hi"},
    ),
    "message:edit": ("ada", lambda w: {"messageId": w.message, "content": "hello!"}),
    "message:delete": ("ada", lambda w: {"messageId": w.message}),
    "reaction:add": ("bob", lambda w: {"messageId": w.message, "emoji": "👍"}),
    "reaction:remove": ("bob", lambda w: {"messageId": w.message, "emoji": "❤"}),
    "room:create": (
        "ada",
        lambda w: {"kind": "direct", "participants": [w.bob.id], "clientId": "a-client-id-00001"},
    ),
    "room:update": (
        "ada",
        lambda w: {"roomId": w.room, "name": "New", "settings": {"maxParticipants": 9}},
    ),
    "room:join": ("ada", lambda w: {"roomId": w.public}),
    "room:leave": ("bob", lambda w: {"roomId": w.room}),
    "user:block": ("ada", lambda w: {"userId": w.bob.id}),
    "user:unblock": ("ada", lambda w: {"userId": w.bob.id}),
    "message:read": ("bob", lambda w: {"roomId": w.room, "seq": 2}),
    "sync": ("bob", lambda w: {"cursors": {w.room: 1}, "only": True}),
}
"""Who sends each command, and its fields; a command that is not here fails its test."""

FOR_ANYBODY = {"sync", "room:create", "user:block", "user:unblock"}
"""What does not concern a room, or none that is there."""

BAD: dict[str, Any] = {"unexpected": 1}


async def over_rest(
    world: World, row: Endpoint, account: Account, fields: dict[str, Any]
) -> tuple[int, Any]:
    method, _, template = str(row.http).partition(" ")
    names = re.findall(r"{(\w+)}", template)
    path = re.sub(r"{(\w+)}", lambda found: quote(str(fields[found[1]]), safe=""), template)
    body = {key: value for key, value in fields.items() if key not in names}
    path = path.removeprefix("/api")
    if method == "DELETE" and body:
        path += "?" + "&".join(f"{key}={value}" for key, value in body.items())
    given = body if method in {"POST", "PUT", "PATCH"} and body else None
    return await rest(world.node, method, path, given, token=account.token)


def likened(world: World, answer: object) -> Any:
    """An answer with this world's ids, names and moments replaced by what they stand for."""
    text = json.dumps(answer, ensure_ascii=False)
    for name in ("ada", "bob", "eve"):
        account: Account = getattr(world, name)
        text = text.replace(account.id, name).replace(account.username, name)
    text = text.replace(world.room, "room").replace(world.public, "public")
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "moment", text)
    text = re.sub(r'"(id|clientId)": "[\w-]{22}"', r'"\1": "new"', text)
    return json.loads(text, object_hook=_in_order)


def _in_order(found: dict[str, Any]) -> dict[str, Any]:
    """People who came at once are listed by their ids, which differ from world to world."""
    if "participants" in found:
        found["participants"].sort(key=lambda one: one["user"]["id"])
    return found


@pytest.mark.parametrize("event", sorted(ROWS))
async def test_a_command_is_answered_alike(worlds: tuple[World, World], event: str) -> None:
    one, other = worlds
    row = ROWS[event]
    who, fields = CASES[event]
    status, body = await over_rest(one, row, getattr(one, who), fields(one))
    ack = await other.sockets[getattr(other, who).id].ask(event, fields(other))
    assert ack["ok"], ack
    data = ack["data"][row.ack] if row.ack else ack["data"]
    if row.status == 204:
        assert (status, body) == (204, None)
    else:
        assert status == row.status
        assert likened(one, body) == likened(other, data)
    kept = [await history(world.node, world.ada, world.room) for world in worlds]
    assert likened(one, kept[0]) == likened(other, kept[1])


@pytest.mark.parametrize("event", sorted(set(ROWS) - FOR_ANYBODY))
async def test_a_stranger_is_refused_alike(worlds: tuple[World, World], event: str) -> None:
    one, other = worlds
    _, fields = CASES[event]
    hidden = {**fields(one), **({"roomId": one.room} if "roomId" in fields(one) else {})}
    status, body = await over_rest(one, ROWS[event], one.eve, hidden)
    hidden = {**fields(other), **({"roomId": other.room} if "roomId" in fields(other) else {})}
    ack = await other.sockets[other.eve.id].ask(event, hidden)
    assert (status, ack["ok"]) == (404, False)
    assert body["error"] == ack["error"]


@pytest.mark.parametrize("event", sorted(ROWS))
async def test_an_unknown_field_is_refused_alike(worlds: tuple[World, World], event: str) -> None:
    one, other = worlds
    who, fields = CASES[event]
    status, body = await over_rest(one, ROWS[event], getattr(one, who), fields(one) | BAD)
    ack = await other.sockets[getattr(other, who).id].ask(event, fields(other) | BAD)
    assert (status, ack["ok"]) == (422, False)
    assert body["error"] == ack["error"]
    assert ack["error"]["field"] == "unexpected"
