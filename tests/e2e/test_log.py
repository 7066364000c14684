"""What a node writes down: a line per request and per command, and no secret in any."""

import asyncio
import json
from typing import Any

from tests.e2e.conftest import NodeFactory
from tests.e2e.raw import PASSWORD, Socket, direct_room, register, rest

BODY = "a sentence that is nobody else's business"


async def test_a_conversation_leaves_its_lines_and_none_of_its_words(
    node_factory: NodeFactory,
) -> None:
    node = await asyncio.to_thread(node_factory)
    ada, bob = await register(node, "ada"), await register(node, "bob")
    room = await direct_room(node, ada, bob)
    socket = await Socket.connect(node, ada)
    said = {"roomId": room, "clientId": "the-client-id-0001", "content": BODY}
    assert (await socket.ask("message:send", said))["ok"]
    assert not (await socket.ask("message:send", {**said, "content": f"{BODY}\x00"}))["ok"]
    await rest(node, "POST", "/messages", {**said, "content": BODY * 2}, token=ada.token)
    await rest(node, "POST", "/auth/login", {"username": ada.username, "password": BODY})
    await rest(node, "POST", "/auth/refresh", {"refreshToken": ada.refresh_token})
    await rest(node, "GET", f"/users?query={bob.username}", token=f"{ada.token}x")
    await socket.close()
    await asyncio.to_thread(node.stop)

    text = "\n".join(node.log_lines())
    for secret in (BODY, PASSWORD, ada.token, ada.refresh_token, bob.token):
        assert secret not in text
    lines = [json.loads(line) for line in node.log_lines() if line.startswith("{")]
    assert _of(lines, "command", command="SendMessage", via="socket") == ["ok", "invalid"]
    assert _of(lines, "command", command="SendMessage", via="http") == ["conflict"]
    assert _of(lines, "command", command="Login") == ["unauthenticated"]
    requests = [line for line in lines if line["event"] == "request"]
    assert len(requests) == len({line["trace_id"] for line in requests})
    traced = {line["trace_id"] for line in lines if line["event"] == "command"}
    assert len(traced) == sum(line["event"] == "command" for line in lines)


def _of(lines: list[dict[str, Any]], event: str, **given: str) -> list[str]:
    """The outcomes of the commands that have these fields, in order."""
    found = [line for line in lines if line["event"] == event and given.items() <= line.items()]
    return [line["outcome"] for line in found]
