"""The stock python-socketio client holds a conversation with the node."""

import uuid
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
import socketio

from tests.e2e.node_process import NodeProcess
from tests.e2e.stock_client import connected, registered

transports = pytest.mark.parametrize(
    "transports", [["websocket"], ["polling", "websocket"], ["polling"]], ids="-".join
)


def text(room_id: str, content: str) -> dict[str, Any]:
    return {"roomId": room_id, "clientId": uuid.uuid4().hex, "content": content}


@transports
async def test_two_people_talk_and_one_resumes(node: NodeProcess, transports: list[str]) -> None:
    alice, bob = await registered(node, "alice"), await registered(node, "bob")
    async with AsyncExitStack() as stack:
        sender = await stack.enter_async_context(connected(node, alice["accessToken"], transports))
        ready = await sender.hear("session:ready")
        assert (ready["userId"], ready["rooms"]) == (alice["user"]["id"], [])

        async with connected(node, bob["accessToken"], transports) as peer:
            await peer.hear("session:ready")
            command = {"kind": "direct", "participants": [bob["user"]["id"]]}
            room_id = (await sender.ask("room:create", command))["data"]["room"]["id"]
            assert (await peer.hear("room:created"))["roomId"] == room_id

            ack = await sender.ask("message:send", text(room_id, "Hello from Python"))
            assert ack["ok"] is True
            message = ack["data"]["message"]
            assert (message["seq"], message["sender"]) == (2, alice["user"])
            news = await peer.hear("message:new")
            assert news == {"roomId": room_id, "rev": 2, "message": message}

        missed = [
            (await sender.ask("message:send", text(room_id, str(number))))["data"]["message"]
            for number in range(3)
        ]
        async with connected(node, bob["accessToken"], transports) as peer:
            assert (await peer.hear("session:ready"))["rooms"] == [{"roomId": room_id, "rev": 5}]
            synced = (await peer.ask("sync", {"cursors": {room_id: 2}}))["data"]
            [room] = synced["rooms"]
            assert (room["state"], room["rev"], room["messages"]) == ("recovered", 5, missed)


@transports
async def test_a_bad_token_is_refused(node: NodeProcess, transports: list[str]) -> None:
    refusals: list[dict[str, Any]] = []
    async with aiohttp.ClientSession() as http:
        client = socketio.AsyncClient(reconnection=False, http_session=http)
        client.on("connect_error", refusals.append)
        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect(node.url, auth={"token": "not-a-token"}, transports=transports)
    body = {"code": "unauthenticated", "message": "authentication required"}
    assert refusals == [{"message": "authentication required", "data": body}]


async def test_polling_is_upgraded_to_websocket(node: NodeProcess) -> None:
    person = await registered(node, "carol")
    async with connected(node, person["accessToken"], ["polling", "websocket"]) as client:
        assert client.socket.transport() == "websocket"


async def test_a_failed_command_without_an_ack_is_told_by_an_event(node: NodeProcess) -> None:
    person = await registered(node, "dave")
    async with connected(node, person["accessToken"], ["websocket"]) as client:
        await client.hear("session:ready")
        await client.socket.emit("message:send", {"roomId": "unknown"})
        error = await client.hear("error")
        assert (error["code"], error["event"]) == ("invalid", "message:send")
