"""Commands over sockets: acks, order, and what is refused."""

import asyncio
import json
from typing import Any

import pytest

from tests.integration.sockets.pods import House, Node


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_command_is_answered_by_its_ack(house: House, node: Node, transport: str) -> None:
    client = await house.client(node, "ada", transport=transport)
    assert client.sio.transport() == transport
    assert await client.ask("toy:echo", {"text": "é", "number": 1}) == {
        "ok": True,
        "data": {"text": "é", "number": 1.0},
    }
    assert await client.ask("toy:once", {"text": "a"}) == {
        "ok": True,
        "data": {"toy": {"text": "a", "number": 0.0}},
    }
    assert await client.ask("toy:nothing", {}) == {"ok": True, "data": {}}
    assert await client.ask("toy:nothing") == {"ok": True, "data": {}}


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_pipelined_commands_run_in_order(house: House, node: Node, transport: str) -> None:
    client = await house.client(node, "ada", transport=transport)
    texts = [str(number) for number in range(500)]
    acks: list[str] = []
    done = asyncio.Event()

    def acked(answer: dict[str, Any]) -> None:
        acks.append(answer["data"]["text"])
        if len(acks) == len(texts):
            done.set()

    for text in texts:
        await client.sio.emit("toy:echo", {"text": text}, callback=acked)
    async with asyncio.timeout(20):
        await done.wait()
    assert node.toys.seen == texts
    assert acks == texts


async def test_a_failed_command_says_so_in_its_ack(house: House, node: Node) -> None:
    client = await house.client(node, "ada")
    assert await client.ask("toy:fail", {}) == {
        "ok": False,
        "error": {
            "code": "conflict",
            "message": "it is so",
            "retryable": False,
            "field": "toy",
        },
    }


async def test_a_failed_command_without_an_ack_raises_the_error_event(
    house: House, node: Node
) -> None:
    client = await house.client(node, "ada")
    await client.sio.emit("toy:fail", {})
    assert await client.event("error") == {
        "code": "conflict",
        "message": "it is so",
        "retryable": False,
        "field": "toy",
        "event": "toy:fail",
    }


async def test_a_command_without_an_ack_that_goes_well_says_nothing(
    house: House, node: Node
) -> None:
    client = await house.client(node, "ada")
    await client.sio.emit("toy:echo", {"text": "a"})
    await client.ask("toy:echo", {"text": "b"})
    assert node.toys.seen == ["a", "b"]
    assert client.names() == ["session:ready"]


BAD_ARGUMENTS: list[Any] = [
    None,
    "text",
    ["text"],
    ({"text": "a"}, {"text": "a"}),
    {},
    {"text": 1},
    {"text": "a", "more": 1},
    {"text": {"$ne": 1}},
    {"text": "a", "number": float("nan")},
    {"text": "a", "number": float("inf")},
    {"text": "\ud800"},
    {"text": b"binary"},
    {"text": "a", "number": b"binary"},
]


@pytest.mark.parametrize("data", BAD_ARGUMENTS, ids=repr)
async def test_bad_arguments_are_invalid(house: House, node: Node, data: Any) -> None:
    client = await house.client(node, "ada")
    answer = await client.ask("toy:echo", data)
    assert not answer["ok"]
    assert answer["error"]["code"] == "invalid"
    if isinstance(data, dict):
        assert answer["error"]["field"] in {"text", "number", "more"}
    assert node.toys.seen == []
    assert (await client.ask("toy:nothing"))["ok"]


@pytest.mark.parametrize("event", ["connect", "disconnect", "toy:unknown", "message", "*", ""])
async def test_unknown_and_reserved_events_are_invalid(
    house: House, node: Node, event: str
) -> None:
    raw = await house.raw(node, user_id="ada")
    await raw.send(f'421["{event}",{{"token":"x"}}]', f'42["{event}"]')
    answer = json.loads((await raw.next("431"))[3:])
    assert answer[0]["error"]["code"] == "invalid"
    assert answer[0]["error"]["field"] == "event"
    name, error = json.loads((await raw.next('42["error"'))[2:])
    assert (name, error["code"], error.get("event", "")) == ("error", "invalid", event)
    await raw.send('422["toy:nothing"]')
    assert (await raw.next("432")) == '432[{"ok":true,"data":{}}]'


async def test_a_slow_command_holds_up_its_own_connection_alone(house: House, node: Node) -> None:
    ada, other = await house.client(node, "ada"), await house.client(node, "ada", device="desk")
    waiting = asyncio.create_task(ada.ask("toy:wait", {}))
    behind = asyncio.create_task(ada.ask("toy:echo", {"text": "behind"}))
    assert (await other.ask("toy:echo", {"text": "other"}))["ok"]
    assert node.toys.seen == ["other"]
    node.toys.gate.set()
    assert (await waiting)["ok"]
    assert (await behind)["ok"]
    assert node.toys.seen == ["other", "behind"]
