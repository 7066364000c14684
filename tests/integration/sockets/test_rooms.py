"""Rooms over sockets: who hears what, from when and until when, on one pod and on two."""

import asyncio
from typing import Any

import pytest

from tests.integration.sockets.pods import Client, House, Node
from tests.waiting import until
from whatchat.domain.ids import UserId, random_id


async def group(client: Client, *others: str) -> dict[str, Any]:
    answer = await client.ask(
        "room:create", {"kind": "group", "participants": list(others), "clientId": random_id()}
    )
    room: dict[str, Any] = answer["data"]["room"]
    return room


async def say(client: Client, room: dict[str, Any], content: str = "hi") -> dict[str, Any]:
    answer = await client.ask(
        "message:send", {"roomId": room["id"], "clientId": random_id(), "content": content}
    )
    message: dict[str, Any] = answer["data"]["message"]
    return message


def heard(client: Client, name: str = "message:new") -> list[Any]:
    return [data["rev"] for event, data in client.heard if event == name]


@pytest.fixture(params=["one pod", "two pods"])
async def nodes(request: pytest.FixtureRequest, house: House, node: Node) -> tuple[Node, Node]:
    """Where the first and the second client connect to."""
    return node, node if request.param == "one pod" else await house.node()


async def test_a_message_reaches_every_device_but_the_sending_socket(
    house: House, nodes: tuple[Node, Node]
) -> None:
    ada = await house.client(nodes[0], "ada")
    desk = await house.client(nodes[1], "ada", device="desk")
    bob, eve = await house.client(nodes[1], "bob"), await house.client(nodes[1], "eve")
    room = await group(ada, "bob")
    message = await say(ada, room)
    for client in (bob, desk):
        assert (await client.event("room:created"))["room"]["id"] == room["id"]
        assert await client.event("message:new") == {
            "roomId": room["id"],
            "rev": message["rev"],
            "message": message,
        }
    await say(bob, room)
    await ada.event("message:new")
    assert heard(ada) == [message["rev"] + 1]
    assert eve.names() == ["session:ready"]


async def test_the_greeting_tells_the_heads_and_what_follows_comes_behind_it(
    house: House, nodes: tuple[Node, Node]
) -> None:
    ada = await house.client(nodes[0], "ada")
    first, second = await group(ada, "bob"), await group(ada, "bob")
    await say(ada, first)
    bob = await house.client(nodes[1], "bob")
    ready = await bob.event("session:ready")
    assert ready["rooms"] == [
        {"roomId": first["id"], "rev": 2},
        {"roomId": second["id"], "rev": 1},
    ]
    await say(ada, first)
    await bob.event("message:new")
    assert heard(bob) == [3]


async def test_connecting_amid_messages_leaves_no_gap(
    house: House, nodes: tuple[Node, Node]
) -> None:
    ada = await house.client(nodes[0], "ada")
    room = await group(ada, "bob")

    async def talk() -> None:
        for _ in range(200):
            await say(ada, room)

    talking = asyncio.create_task(talk())
    listeners: list[Client] = []
    while not talking.done():
        listeners.append(await house.client(nodes[1], "bob", device=f"d{len(listeners)}"))
    await talking
    assert len(listeners) > 2
    for bob in listeners:
        told = (await bob.event("session:ready"))["rooms"][0]["rev"]
        await bob.event("message:new", 201 - told) if told < 201 else None
        assert bob.names()[0] == "session:ready"
        assert heard(bob) == list(range(told + 1, 202))


async def test_nothing_reaches_who_was_put_out(house: House, nodes: tuple[Node, Node]) -> None:
    ada, bob = await house.client(nodes[0], "ada"), await house.client(nodes[1], "bob")
    room = await group(ada, "bob")
    await bob.event("room:created")
    assert (await bob.ask("room:leave", {"roomId": room["id"]}))["ok"]
    await bob.event("room:removed")
    await say(ada, room)
    assert (await bob.ask("toy:nothing"))["ok"]
    await asyncio.sleep(0.2)
    assert bob.names() == ["session:ready", "room:created", "room:removed"]


async def test_the_last_socket_of_a_user_takes_its_subscriptions_along(
    house: House, node: Node
) -> None:
    ada, bob = await house.client(node, "ada"), await house.client(node, "bob")
    room = await group(ada, "bob")
    await bob.event("room:created")
    assert node.realtime.hub.room(room["id"]) is not None
    for client in (ada, bob):
        await client.sio.disconnect()
    await until(lambda: len(node.realtime.hub) == 0)
    assert node.realtime.hub.room(room["id"]) is None
    assert node.realtime.hub.user(UserId("bob")) is None


async def test_live_sockets_are_in_the_registry(house: House, node: Node) -> None:
    ada = await house.client(node, "ada")
    session_id = (await ada.event("session:ready"))["sessionId"]

    async def registered() -> list[str]:
        return [session.session_id for session in await house.registry.of_user(UserId("ada"))]

    async def is_registered() -> bool:
        return await registered() == [session_id]

    async def is_gone() -> bool:
        return await registered() == []

    await until(is_registered)
    await ada.sio.disconnect()
    await until(is_gone)
