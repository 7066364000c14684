"""Each bad input gets the contract's error, names its field, and changes nothing."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.e2e.conftest import NodeFactory
from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import Account, Socket, direct_room, history, register, rest

UNKNOWN = "A" * 22


@dataclass
class Scene:
    """Ada and Bob have a room with one message; Eve is a stranger to it."""

    node: NodeProcess
    ada: Account
    eve: Account
    room: str
    message: str
    socket: Socket

    async def unchanged(self) -> bool:
        return [one["id"] for one in await history(self.node, self.ada, self.room)] == [
            self.message
        ]


@pytest.fixture
async def scene(node: NodeProcess) -> AsyncIterator[Scene]:
    ada, bob, eve = [await register(node, name) for name in ("ada", "bob", "eve")]
    room = await direct_room(node, ada, bob)
    body = {"roomId": room, "clientId": "the-first-message-1", "content": "hello"}
    _, message = await rest(node, "POST", "/messages", body, token=ada.token)
    socket = await Socket.connect(node, ada)
    yield Scene(node, ada, eve, room, message["id"], socket)
    await socket.close()


def command(scene: Scene, **given: object) -> dict[str, Any]:
    good = {"roomId": scene.room, "clientId": "a-good-client-id-01", "content": "hi"}
    return {**good, **given}


ABSENT = object()

BAD_SENDS: dict[str, tuple[dict[str, Any], str]] = {
    "missing room": ({"roomId": ABSENT}, "roomId"),
    "missing clientId": ({"clientId": ABSENT}, "clientId"),
    "missing content": ({"content": ABSENT}, "content"),
    "extra field": ({"isAdmin": True}, "isAdmin"),
    "number as content": ({"content": 7}, "content"),
    "null as content": ({"content": None}, "content"),
    "operator as content": ({"content": {"$ne": 1}}, "content"),
    "operator as room": ({"roomId": {"$ne": 1}}, "roomId"),
    "list as clientId": ({"clientId": ["a" * 16]}, "clientId"),
    "empty content": ({"content": ""}, "content"),
    "content too long": ({"content": "x" * 16_385}, "content"),
    "content too long in bytes": ({"content": "é" * 8_193}, "content"),
    "NUL": ({"content": "a\x00b"}, "content"),
    "escape": ({"content": "\x1b[2J"}, "content"),
    "C1 control": ({"content": "a\x85b"}, "content"),
    "short clientId": ({"clientId": "short"}, "clientId"),
    "long clientId": ({"clientId": "a" * 65}, "clientId"),
    "clientId with a newline": ({"clientId": "a" * 16 + "\n"}, "clientId"),
    "room id with a slash": ({"roomId": "../etc"}, "roomId"),
    "system message": ({"messageType": "system"}, "messageType"),
    "reserved type": ({"messageType": "image"}, "messageType"),
    "unknown type": ({"messageType": "shout"}, "messageType"),
    "envelope": ({"envelope": {"v": 1}}, "envelope"),
    "attachments": ({"attachments": []}, "attachments"),
    "mentions": ({"mentions": []}, "mentions"),
    "thread": ({"threadId": "t"}, "threadId"),
    "reply to a non-id": ({"replyTo": 5}, "replyTo"),
}


@pytest.mark.parametrize("name", BAD_SENDS)
async def test_a_bad_send_is_invalid_both_ways(scene: Scene, name: str) -> None:
    changes, field = BAD_SENDS[name]
    bad = {key: value for key, value in command(scene, **changes).items() if value is not ABSENT}
    status, answer = await rest(scene.node, "POST", "/messages", bad, token=scene.ada.token)
    ack = await scene.socket.ask("message:send", bad)
    assert (status, ack["ok"]) == (422, False)
    assert answer["error"] == ack["error"]
    assert (ack["error"]["code"], ack["error"]["field"]) == ("invalid", field)
    assert ack["error"]["retryable"] is False
    assert await scene.unchanged()


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"roomId": UNKNOWN}, "not_found", 404),
        ({"replyTo": UNKNOWN + "2"}, "not_found", 404),
        ({"replyTo": "not-a-message"}, "not_found", 404),
    ],
)
async def test_unknown_ids(scene: Scene, changes: dict[str, str], code: str, status: int) -> None:
    bad = command(scene, **changes)
    answered, answer = await rest(scene.node, "POST", "/messages", bad, token=scene.ada.token)
    ack = await scene.socket.ask("message:send", bad)
    assert (answered, ack["error"]["code"]) == (status, code)
    assert answer["error"] == ack["error"]
    assert await scene.unchanged()


RAW_BODIES = {
    "nothing": (b"", 422),
    "no JSON": (b"{'a': 1}", 400),
    "cut off": (b'{"roomId": "', 400),
    "bad UTF-8": (b'{"content": "\xff"}', 400),
    "NaN": (b'{"limit": NaN, "cursors": {}}', 422),
    "infinity": (b'{"limit": 1e999, "cursors": {}}', 422),
    "lone surrogate": (b'{"content": "\\ud800"}', 422),
    "deep nesting": (b"[" * 60_000, 400),
    "a list": (b"[1, 2]", 422),
    "a string": (b'"hello"', 422),
}


@pytest.mark.parametrize("name", RAW_BODIES)
async def test_a_body_that_is_no_json_object(scene: Scene, name: str) -> None:
    body, expected = RAW_BODIES[name]
    headers = {"Authorization": f"Bearer {scene.ada.token}"}
    for path in ("/api/messages", "/api/sync"):
        async with (
            aiohttp.ClientSession() as http,
            http.post(scene.node.url + path, data=body, headers=headers) as response,
        ):
            answer = await response.json()
            assert response.status == expected
            assert answer["error"]["code"] == "invalid"
    assert await scene.unchanged()


async def test_a_body_over_the_packet_limit_is_too_large(scene: Scene) -> None:
    bad = command(scene, content="x" * 70_000)
    status, answer = await rest(scene.node, "POST", "/messages", bad, token=scene.ada.token)
    assert (status, answer["error"]["code"]) == (413, "too_large")
    assert await scene.unchanged()


async def test_another_peoples_room_does_not_exist(scene: Scene) -> None:
    eve = scene.eve.token
    body = {"roomId": scene.room, "clientId": "eves-client-id-0001", "content": "hi"}
    for method, path, given in (
        ("GET", f"/rooms/{scene.room}", None),
        ("PUT", f"/rooms/{scene.room}", {"name": "mine"}),
        ("GET", f"/rooms/{scene.room}/members", None),
        ("POST", f"/rooms/{scene.room}/members", {"userIds": [scene.eve.id]}),
        ("POST", f"/rooms/{scene.room}/join", None),
        ("DELETE", f"/rooms/{scene.room}/members/{scene.ada.id}", None),
        ("PUT", f"/rooms/{scene.room}/admins/{scene.eve.id}", None),
        ("GET", f"/messages/{scene.room}", None),
        ("POST", "/messages", body),
        ("PATCH", f"/messages/{scene.message}", {"content": "mine"}),
        ("DELETE", f"/messages/{scene.message}", None),
        ("PUT", f"/messages/{scene.message}/reactions/%F0%9F%91%8D", None),
    ):
        status, answer = await rest(scene.node, method, path, given, token=eve)
        assert (status, answer["error"]["code"]) == (404, "not_found"), (method, path)
    status, answer = await rest(
        scene.node, "POST", "/sync", {"cursors": {scene.room: 1}}, token=eve
    )
    assert (status, answer["rooms"], answer["removed"]) == (200, [], [scene.room])
    assert await scene.unchanged()


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, payload, _ = token.split(".")
    found = [json.loads(base64.urlsafe_b64decode(one + "==")) for one in (header, payload)]
    return found[0], found[1]


def signed(header: dict[str, Any], payload: dict[str, Any], key: bytes) -> str:
    text = f"{part(header)}.{part(payload)}"
    digest = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


async def test_every_bad_token_gets_the_same_401(scene: Scene) -> None:
    header, payload = claims(scene.ada.token)
    tokens = {
        "none at all": None,
        "empty": "",
        "garbage": "garbage",
        "another key": signed(header, payload, b"k" * 32),
        "alg none": f"{part({**header, 'alg': 'none'})}.{part(payload)}.",
        "tampered": scene.ada.token[:-4] + "AAAA",
        "another subject": ".".join(
            (part(header), part({**payload, "sub": scene.eve.id}), scene.ada.token.split(".")[2])
        ),
        "expired, another key": signed(
            header, {**payload, "exp": int(time.time()) - 10}, b"k" * 32
        ),
        "a refresh token": scene.ada.refresh_token,
    }
    answers = {}
    for name, token in tokens.items():
        answers[name] = await rest(scene.node, "GET", "/rooms", token=token)
    assert {status for status, _ in answers.values()} == {401}
    assert len({json.dumps(body, sort_keys=True) for _, body in answers.values()}) == 1
    assert answers["garbage"][1]["error"]["code"] == "unauthenticated"


async def test_an_unknown_event_and_odd_arguments_are_invalid(scene: Scene) -> None:
    for event, data in (
        ("message:shout", {}),
        ("message:send", None),
        ("message:send", "text"),
        ("message:send", [1]),
        ("connect", {}),
        ("disconnect", {}),
    ):
        ack = await scene.socket.ask(event, data)
        assert (ack["ok"], ack["error"]["code"]) == (False, "invalid"), event
    assert (await scene.socket.ask("message:send", command(scene)))["ok"]


async def test_a_token_that_has_expired_gets_the_same_401(node_factory: NodeFactory) -> None:
    secret = "a-secret-of-at-least-thirty-two-bytes"
    node = await asyncio.to_thread(node_factory, {"WHATCHAT_JWT_SECRET": secret})
    header, payload = claims((await register(node, "ada")).token)
    fresh = signed(header, payload, secret.encode())
    assert (await rest(node, "GET", "/rooms", token=fresh))[0] == 200
    ended = {"iat": int(time.time()) - 1000, "exp": int(time.time()) - 100}
    status, answer = await rest(
        node, "GET", "/rooms", token=signed(header, payload | ended, secret.encode())
    )
    assert (status, answer["error"]["code"]) == (401, "unauthenticated")
    assert answer == (await rest(node, "GET", "/rooms"))[1]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("GET", "/rooms?after=999999999999999.x", None, "after"),
        ("GET", "/rooms?after=x", None, "after"),
        ("GET", "/rooms?limit=0", None, "limit"),
        ("GET", "/rooms?scope=all", None, "scope"),
        ("POST", "/rooms", {"kind": "crowd", "participants": []}, "kind"),
        ("POST", "/rooms", {"kind": "group", "participants": [{"$ne": 1}]}, "participants"),
        ("POST", "/rooms", {"kind": "group", "participants": [], "name": "x" * 101}, "name"),
        ("POST", "/rooms", {"kind": "group", "participants": [], "name": "a\nb"}, "name"),
        (
            "POST",
            "/rooms",
            {"kind": "group", "participants": [], "settings": {"encrypted": True}},
            "settings.encrypted",
        ),
        (
            "POST",
            "/rooms",
            {"kind": "group", "participants": [], "settings": {"maxParticipants": 10_001}},
            "settings.maxParticipants",
        ),
        ("PUT", "/messages/{message}/reactions/ab", None, "emoji"),
        ("PUT", "/messages/{message}/reactions/%20", None, "emoji"),
        ("PATCH", "/messages/{message}", {"content": "\x00"}, "content"),
        ("POST", "/sync", {"cursors": {"not an id": 1}}, "cursors"),
        ("POST", "/sync", {"cursors": {UNKNOWN: -1}}, "cursors"),
        ("POST", "/sync", {"cursors": {UNKNOWN: 2**53}}, "cursors"),
        ("POST", "/sync", {"cursors": {}, "limit": 501}, "limit"),
        ("POST", "/auth/register", {"username": "Ada", "password": "x" * 8}, "username"),
        ("POST", "/auth/register", {"username": "ab", "password": "x" * 8}, "username"),
        ("POST", "/auth/register", {"username": "abc", "password": "short"}, "password"),
        ("POST", "/auth/register", {"username": "a" * 33, "password": "x" * 8}, "username"),
        ("POST", "/auth/login", {"username": {"$gt": ""}, "password": "x" * 8}, "username"),
        ("POST", "/auth/refresh", {"refreshToken": 7}, "refreshToken"),
        ("PATCH", "/users/me", {"presence": "sometimes"}, "presence"),
    ],
)
async def test_other_bad_fields_are_named(
    scene: Scene, method: str, path: str, body: object, field: str
) -> None:
    path = path.format(message=scene.message)
    status, answer = await rest(scene.node, method, path, body, token=scene.ada.token)
    assert (status, answer["error"]["code"]) == (422, "invalid"), answer
    assert answer["error"]["field"] == field
    assert await scene.unchanged()
