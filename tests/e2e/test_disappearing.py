"""A node alone erases what is over by itself, also what ended while it was down."""

import asyncio
import secrets
from pathlib import Path
from typing import Any

from tests.e2e.conftest import NodeFactory
from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import Account, Socket, history, register, rest
from tests.waiting import until

IN_TIME_SECONDS = 5.0
SCRUBBED_SECONDS = 15.0
"""The write-ahead log is cut off a little later."""


async def room_of(node: NodeProcess, founder: Account, *others: Account, **settings: Any) -> str:
    body = {
        "kind": "group",
        "name": "Brief",
        "participants": [one.id for one in others],
        "settings": settings,
    }
    status, room = await rest(node, "POST", "/rooms", body, token=founder.token)
    assert status == 201, room
    return str(room["id"])


async def say(node: NodeProcess, sender: Account, room_id: str, content: str) -> dict[str, Any]:
    body = {"roomId": room_id, "clientId": secrets.token_hex(16), "content": content}
    status, message = await rest(node, "POST", "/messages", body, token=sender.token)
    assert status == 201, message
    return dict(message)


def holding(folder: Path, text: str) -> list[str]:
    """The files in which a text stands."""
    files = (path for path in folder.iterdir() if path.is_file())
    return [path.name for path in files if text.encode() in path.read_bytes()]


async def test_a_message_is_gone_in_time(node: NodeProcess) -> None:
    ada, bob = await register(node, "ada"), await register(node, "bob")
    room_id = await room_of(node, ada, bob, disappearAfterSeconds=2)
    socket = await Socket.connect(node, bob)
    try:
        said = f"a secret {secrets.token_hex(8)}"
        message = await say(node, ada, room_id, said)
        patch = {"content": f"{said}!"}
        path = f"/messages/{message['id']}"
        assert (await rest(node, "PATCH", path, patch, token=ada.token))[0] == 200
        assert [one["content"] for one in await history(node, bob, room_id)] == [f"{said}!"]
        assert holding(node.data_dir, said)

        assert (await socket.hear("message:new"))["message"]["content"] == said
        await socket.hear("message:updated")
        async with asyncio.timeout(2 + IN_TIME_SECONDS):
            gone = await socket.hear("message:deleted")
        assert gone["rev"] == message["rev"] + 2
        tombstone = gone["message"]
        assert (tombstone["content"], tombstone["deletedAt"]) == ("", message["expiresAt"])
        assert await history(node, bob, room_id) == [tombstone]
    finally:
        await socket.close()
    await until(lambda: not holding(node.data_dir, said), seconds=SCRUBBED_SECONDS)


async def test_what_ended_while_the_node_was_down_is_never_seen_and_erased(
    node_factory: NodeFactory,
) -> None:
    node = node_factory()
    ada, bob = await register(node, "ada"), await register(node, "bob")
    room_id = await room_of(node, ada, bob, disappearAfterSeconds=2)
    said = f"a secret {secrets.token_hex(8)}"
    message = await say(node, ada, room_id, said)
    kept = await say(node, ada, await room_of(node, ada), "kept")
    node.kill()
    assert holding(node.data_dir, said)
    await asyncio.sleep(2.0)
    node.start()

    (tombstone,) = await history(node, bob, room_id)
    assert (tombstone["content"], tombstone["deletedAt"]) == ("", message["expiresAt"])
    await until(lambda: not holding(node.data_dir, said), seconds=SCRUBBED_SECONDS)
    (tombstone,) = await history(node, bob, room_id)
    assert tombstone["rev"] == message["rev"] + 1
    assert [one["id"] for one in await history(node, ada, kept["roomId"])] == [kept["id"]]


async def test_what_every_device_has_is_kept_no_longer(node: NodeProcess) -> None:
    ada, bob = await register(node, "ada"), await register(node, "bob")
    room_id = await room_of(node, ada, bob, deliverOnly=True)
    said = f"a secret {secrets.token_hex(8)}"
    message = await say(node, ada, room_id, said)
    await asyncio.sleep(1.5)
    assert [one["content"] for one in await history(node, bob, room_id)] == [said]
    socket = await Socket.connect(node, bob)
    try:
        ack = await socket.ask("message:delivered", {"roomId": room_id, "seq": message["seq"]})
        assert ack["ok"], ack
    finally:
        await socket.close()

    await asyncio.sleep(IN_TIME_SECONDS)
    (kept,) = await history(node, ada, room_id)
    assert "erasedAt" in kept
    assert (kept["content"], kept["rev"]) == ("", message["rev"])
    assert "deletedAt" not in kept
    await until(lambda: not holding(node.data_dir, said), seconds=SCRUBBED_SECONDS)
