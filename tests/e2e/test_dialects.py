"""Clients written for two older vocabularies hold conversations with the node, unchanged."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
import socketio

from tests.e2e.node_process import NodeProcess
from tests.e2e.stock_client import Client, connected, registered

SCRIPT = Path(__file__).parents[1] / "js" / "dialects.mjs"

Report = dict[str, Any]


class Couple(NamedTuple):
    """Two people, each with a client that speaks a dialect, and a room for them."""

    ada: dict[str, Any]
    bob: dict[str, Any]
    by_ada: Client
    by_bob: Client
    room_id: str


async def rest(
    node: NodeProcess, person: dict[str, Any], method: str, path: str, body: Any = None
) -> Any:
    headers = {"authorization": f"Bearer {person['accessToken']}"}
    async with (
        aiohttp.ClientSession(node.url, headers=headers) as session,
        session.request(method, f"/api/{path}", json=body) as answer,
    ):
        assert answer.status < 300, await answer.text()
        return await answer.json() if answer.status != 204 else None


async def couple(
    node: NodeProcess, stack: AsyncExitStack, dialect: str, transport: str, room: dict[str, Any]
) -> Couple:
    ada, bob = await registered(node, "ada"), await registered(node, "bob")
    if room["kind"] == "direct":
        room = room | {"participants": [bob["user"]["id"]]}
    room_id = (await rest(node, ada, "POST", "rooms", room))["id"]
    by_ada, by_bob = [
        await stack.enter_async_context(
            connected(node, person["accessToken"], [transport], dialect=dialect)
        )
        for person in (ada, bob)
    ]
    for client in (by_ada, by_bob):
        await client.hear("session:ready")
    return Couple(ada, bob, by_ada, by_bob, room_id)


@pytest.fixture(params=["websocket", "polling"])
async def chat(request: pytest.FixtureRequest, node: NodeProcess) -> AsyncIterator[Couple]:
    async with AsyncExitStack() as stack:
        yield await couple(node, stack, "chat", request.param, {"kind": "direct"})


@pytest.fixture(params=["websocket", "polling"])
async def classic(request: pytest.FixtureRequest, node: NodeProcess) -> AsyncIterator[Couple]:
    room = {
        "kind": "group",
        "name": "Everybody",
        "participants": [],
        "settings": {"isPrivate": False},
    }
    async with AsyncExitStack() as stack:
        yield await couple(node, stack, "classic", request.param, room)


async def test_a_conversation_in_chat(chat: Couple) -> None:
    said = {"chatId": chat.room_id, "content": "Hello, Bob", "messageType": "text"}
    await chat.by_ada.socket.emit("message:send", said)
    heard = await chat.by_bob.hear("message:new")
    assert heard == await chat.by_ada.hear("message:new"), "one's own messages come as well"
    assert heard.keys() == {"id", "chat_id", "content", "sender", "created_at"}
    assert (heard["chat_id"], heard["content"]) == (chat.room_id, "Hello, Bob")
    assert heard["sender"] == chat.ada["user"]

    typing = {"chatId": chat.room_id, "userId": chat.bob["user"]["id"]}
    await chat.by_bob.socket.emit("typing:start", typing)
    username = chat.bob["user"]["username"]
    assert await chat.by_ada.hear("typing:start") == typing | {"username": username}
    await chat.by_bob.socket.emit("typing:stop", {"chatId": chat.room_id})
    assert await chat.by_ada.hear("typing:stop") == typing

    read = {"messageId": heard["id"], "chatId": chat.room_id}
    await chat.by_bob.socket.emit("message:read", read)
    assert await chat.by_ada.hear("message:read") == read | {"userId": chat.bob["user"]["id"]}


async def test_who_comes_is_told_in_chat(node: NodeProcess) -> None:
    ada, bob = await registered(node, "ada"), await registered(node, "bob")
    bob_id = bob["user"]["id"]
    await rest(node, ada, "POST", "rooms", {"kind": "direct", "participants": [bob_id]})
    async with connected(node, ada["accessToken"], ["websocket"], dialect="chat") as by_ada:
        await by_ada.hear("session:ready")
        await rest(node, bob, "PATCH", "users/me", {"presence": "everyone"})
        assert await by_ada.hear("user:status") == {"userId": bob_id, "status": "offline"}
        async with connected(node, bob["accessToken"], ["websocket"], dialect="chat"):
            assert await by_ada.hear("user:status") == {"userId": bob_id, "status": "online"}


async def test_nobody_in_chat_speaks_for_others(chat: Couple) -> None:
    claim = {"chatId": chat.room_id, "userId": chat.bob["user"]["id"]}
    refused = await chat.by_ada.ask("typing:start", claim)
    assert (refused["ok"], refused["error"]["code"]) == (False, "forbidden")
    await chat.by_ada.socket.emit("typing:start", claim)
    assert await chat.by_ada.hear("error") == {"message": refused["error"]["message"]}


async def test_members_join_a_chat_to_no_effect_and_others_only_a_public_one(
    node: NodeProcess, chat: Couple, classic: Couple
) -> None:
    joined = await chat.by_ada.ask("chat:join", {"chatId": chat.room_id})
    assert (joined["ok"], joined["data"]["room"]["id"]) == (True, chat.room_id)
    elsewhere = await classic.by_ada.ask("join_room", {"roomId": chat.room_id})
    assert elsewhere["error"]["code"] == "not_found"
    public = await chat.by_bob.ask("chat:join", {"chatId": classic.room_id})
    assert public["ok"]
    assert (await classic.by_ada.hear("user_joined"))["userId"] == chat.bob["user"]["id"]
    assert (await chat.by_bob.ask("chat:leave", {"chatId": classic.room_id}))["ok"]
    assert await classic.by_ada.hear("user_left") == {"userId": chat.bob["user"]["id"]}


async def test_an_error_in_chat_names_the_field_that_was_sent(chat: Couple) -> None:
    refused = await chat.by_ada.ask("message:send", {"content": "Hello"})
    assert (refused["error"]["code"], refused["error"]["field"]) == ("invalid", "chatId")


async def test_a_conversation_in_classic(node: NodeProcess, classic: Couple) -> None:
    room_id, bob_id = classic.room_id, classic.bob["user"]["id"]
    joined = await classic.by_bob.ask("join_room", {"roomId": room_id, "userId": bob_id})
    assert joined["ok"]
    username = classic.bob["user"]["username"]
    joining = {"userId": bob_id, "username": username}
    assert await classic.by_ada.hear("user_joined") == joining
    again = await classic.by_ada.ask("join_room", {"roomId": room_id})
    assert again["ok"], "who is in the room joins it to no effect"

    said = {"message": "Hello", "roomId": room_id, "timestamp": "2001-01-01T00:00:00Z"}
    await classic.by_ada.socket.emit("send_message", said)
    heard = await classic.by_bob.hear("message_received")
    assert heard.keys() == {"message", "sender", "timestamp"}
    assert (heard["message"], heard["sender"]) == ("Hello", classic.ada["user"])
    assert heard["timestamp"] > "2026", "the time is the server's"

    await classic.by_bob.socket.emit("typing_start", {"roomId": room_id, "userId": bob_id})
    assert await classic.by_ada.hear("typing_indicator") == {"userId": bob_id, "isTyping": True}
    await classic.by_bob.socket.emit("typing_stop", {"roomId": room_id, "userId": bob_id})
    assert await classic.by_ada.hear("typing_indicator") == {"userId": bob_id, "isTyping": False}

    await rest(node, classic.bob, "DELETE", f"rooms/{room_id}/members/{bob_id}")
    assert await classic.by_ada.hear("user_left") == {"userId": bob_id}
    assert await classic.by_bob.hear("user_left") == {"userId": bob_id}


async def test_nobody_in_classic_speaks_for_others(classic: Couple) -> None:
    claim = {"roomId": classic.room_id, "userId": classic.ada["user"]["id"]}
    refused = await classic.by_bob.ask("join_room", claim)
    assert (refused["ok"], refused["error"]["code"]) == (False, "forbidden")
    await classic.by_bob.socket.emit("join_room", claim)
    assert await classic.by_bob.hear("error") == {"message": refused["error"]["message"]}


async def test_the_dialects_and_our_own_words_meet_in_one_room(
    node: NodeProcess, chat: Couple
) -> None:
    async with connected(node, chat.bob["accessToken"], ["websocket"]) as ours:
        await ours.hear("session:ready")
        said = {"roomId": chat.room_id, "clientId": "c" * 22, "content": "From my other device"}
        message = (await ours.ask("message:send", said))["data"]["message"]
        assert (await chat.by_ada.hear("message:new"))["id"] == message["id"]
        await chat.by_ada.ask("message:send", {"chatId": chat.room_id, "content": "And back"})
        assert (await ours.hear("message:new"))["message"]["content"] == "And back"


@pytest.mark.parametrize("dialect", ["latin", ""])
async def test_an_unknown_dialect_is_refused_by_name(node: NodeProcess, dialect: str) -> None:
    person = await registered(node, "eve")
    refusals: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    async with aiohttp.ClientSession() as http:
        client = socketio.AsyncClient(reconnection=False, http_session=http)
        client.on("connect_error", refusals.put)
        auth = {"token": person["accessToken"], "dialect": dialect}
        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect(node.url, auth=auth, transports=["websocket"])
    refusal = refusals.get_nowait()
    assert refusal["data"]["code"] == "invalid"
    assert "`dialect`" in refusal["message"]


@pytest.fixture(scope="module")
def report(node: NodeProcess) -> Report:
    """What the official JavaScript client saw, by dialect."""
    command = ["node", str(SCRIPT), node.url]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert finished.returncode == 0, finished.stderr
    found: Report = json.loads(finished.stdout)
    return found


def test_javascript_talks_chat(report: Report) -> None:
    seen, bob = report["chat"], report["chat"]["bob"]
    said = seen["said"]
    assert seen["echo"] == said
    assert (said["content"], said["sender"]) == ("Hello from JavaScript 👋", seen["alice"])
    chat_id = said["chat_id"]
    assert seen["typing"] == {"chatId": chat_id, "userId": bob["id"], "username": bob["username"]}
    assert seen["stopped"] == {"chatId": chat_id, "userId": bob["id"]}
    assert seen["read"] == {"messageId": said["id"], "userId": bob["id"], "chatId": chat_id}
    assert seen["refused"]["ok"] is False
    assert seen["refused"]["error"]["code"] == "forbidden"
    assert seen["error"] == {"message": seen["refused"]["error"]["message"]}


def test_javascript_talks_classic(report: Report) -> None:
    seen, bob = report["classic"], report["classic"]["bob"]
    assert seen["joined"] == {"userId": bob["id"], "username": bob["username"]}
    assert (seen["said"]["message"], seen["said"]["sender"]) == ("Hello", seen["alice"])
    assert seen["typing"] == {"userId": bob["id"], "isTyping": True}
    assert seen["stopped"] == {"userId": bob["id"], "isTyping": False}
    assert seen["refused"]["error"]["code"] == "forbidden"
    assert seen["error"] == {"message": seen["refused"]["error"]["message"]}


def test_javascript_hears_nothing_but_its_dialect(report: Report) -> None:
    known = {
        "classic": {"message_received", "user_joined", "user_left", "typing_indicator"},
        "chat": {"message:new", "user:status", "typing:start", "typing:stop", "message:read"},
    }
    for dialect, words in known.items():
        assert set(report[dialect]["heard"]) <= words | {"session:ready", "error"}
