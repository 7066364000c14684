"""A node with people, rooms and messages in it, for those who throw anything at it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import PASSWORD
from whatchat.domain.ids import random_id

PATIENCE_SECONDS = 30
GREETING = "Whatchat is at "


@dataclass(frozen=True, kw_only=True)
class FuzzedNode:
    """Ada, who asks, shares a group and a direct room with Bob; ``ids`` are real ones, by field."""

    process: NodeProcess
    token: str
    ids: Mapping[str, Sequence[str]] = field(repr=False)

    def newcomer(self) -> str:
        """The access token of somebody new, for what would end Ada's."""
        return _register(self.process, f"new.{random_id()[:16].lower().replace('-', '.')}")[0]

    def complaints(self) -> list[str]:
        """What stands in the log that nobody should ever cause from outside."""
        return [line for line in self.process.log_lines() if _is_complaint(line)]


@contextmanager
def fuzzed_node(folder: Path, env: Mapping[str, str] | None = None) -> Iterator[FuzzedNode]:
    """Such a node, in a process of its own; it ends without a complaint in its log."""
    process = NodeProcess(folder, env)
    try:
        process.start()
        node = _furnished(process)
        yield node
    finally:
        process.close()
    assert node.complaints() == []


def _is_complaint(line: str) -> bool:
    if not line.startswith("{"):
        return not line.startswith(GREETING)
    return json.loads(line)["level"] not in {"debug", "info", "warning"}


def _furnished(node: NodeProcess) -> FuzzedNode:
    token, _ada = _register(node, "ada")
    _, bob = _register(node, "bob")
    rooms = [
        _post(node, token, "/rooms", {"kind": "group", "name": "Tea", "participants": [bob]}),
        _post(node, token, "/rooms", {"kind": "direct", "participants": [bob]}),
    ]
    room_ids = [room["id"] for room in rooms]
    messages = [
        _post(node, token, "/messages", {"roomId": room, "clientId": random_id(), "content": "Hi"})
        for room in room_ids
    ]
    ids = {
        "roomId": room_ids,
        "messageId": [message["id"] for message in messages],
        "replyTo": [messages[0]["id"]],
        "userId": [bob],
        "userIds": [bob],
        "participants": [bob],
        "emoji": ["👍", "👩‍👩‍👧"],
        "cursors": room_ids,
    }
    return FuzzedNode(process=node, token=token, ids=ids)


def _register(node: NodeProcess, name: str) -> tuple[str, str]:
    answer = _post(node, "", "/auth/register", {"username": name, "password": PASSWORD})
    return answer["accessToken"], answer["user"]["id"]


def _post(node: NodeProcess, token: str, path: str, body: dict[str, Any]) -> Any:
    answer = requests.post(
        f"{node.url}/api{path}",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        timeout=PATIENCE_SECONDS,
    )
    assert answer.ok, answer.text
    return answer.json()


def real(value: object, found: str) -> Any:
    """``found`` in the shape of ``value``."""
    if isinstance(value, list):
        return [found]
    return {found: 0} if isinstance(value, dict) else found


def as_written(value: Any) -> Any:
    """JSON Schema calls 1.0 an integer; a client that means 1 writes 1."""
    if isinstance(value, dict):
        return {name: as_written(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_written(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
