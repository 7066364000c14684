"""What the node tells about the session itself, sent to the page in its place."""

import asyncio
import json
from typing import Any

from playwright.async_api import WebSocketRoute

from tests.e2e.browser.people import Newcomers, Person


async def test_an_expiring_session_is_refreshed_on_the_same_connection(
    newcomers: Newcomers,
) -> None:
    wire = Wire()
    ada = await _wired(wire, newcomers)
    async with ada.page.expect_response("**/api/auth/refresh") as renewed:
        wire.tell("session:expiring", {"inSeconds": 60})
    token = (await (await renewed.value).json())["accessToken"]
    await ada.create_group("Still here", public=False)
    await ada.say("on the same line")
    await ada.sees("on the same line")
    assert ["session:refresh", {"token": token}] in wire.commands
    assert wire.connections == 1


async def test_a_draining_node_is_left_and_the_conversation_resumed(newcomers: Newcomers) -> None:
    wire = Wire()
    ada = await _wired(wire, newcomers)
    await ada.create_group("On the move", public=False)
    wire.tell("session:moving", {"reconnectAfterMs": 50})
    await ada.say("written on the way")
    await asyncio.wait_for(wire.reconnected.wait(), 10)
    await ada.is_online()
    await ada.sees("written on the way")


async def test_a_resync_is_answered_from_the_cursors_held(newcomers: Newcomers) -> None:
    wire = Wire()
    ada = await _wired(wire, newcomers)
    await ada.create_group("Cursors", public=False)
    await ada.say("one")
    await ada.sees("one")
    room_id = (await ada.page.evaluate("location.hash")).removeprefix("#/rooms/")
    wire.commands.clear()
    wire.tell("session:resync", {"reason": "a test"})
    await ada.say("two")
    await ada.sees("one", "two")
    syncs = [data for event, data in wire.commands if event == "sync"]
    assert [(data["cursors"], data["only"]) for data in syncs] == [({room_id: 2}, False)]
    assert syncs[0]["receiptsSince"] != ""


class Wire:
    """The page's WebSocket with the test on it."""

    def __init__(self) -> None:
        self.connections = 0
        self.reconnected = asyncio.Event()
        self.commands: list[list[Any]] = []
        self._page: WebSocketRoute | None = None

    def __call__(self, page: WebSocketRoute) -> None:
        self.connections += 1
        if self.connections > 1:
            self.reconnected.set()
        self._page = page
        server = page.connect_to_server()
        page.on_message(lambda frame: self._pass_on(server, frame))

    def tell(self, event: str, data: object) -> None:
        """Tell the page something as if the node had."""
        assert self._page is not None
        self._page.send("42" + json.dumps([event, data]))

    def _pass_on(self, server: WebSocketRoute, frame: str | bytes) -> None:
        if isinstance(frame, str) and frame.startswith("42"):
            self.commands.append(json.loads(frame[frame.index("[") :]))
        server.send(frame)


async def _wired(wire: Wire, newcomers: Newcomers) -> Person:
    page = await newcomers.page()
    await page.route_web_socket(lambda url: "/socket.io/" in url, wire)
    return await newcomers.settle(page, "Ada")
