"""Connections on which nothing is said until the server's first ping."""

import asyncio
import json
from typing import Final

import aiohttp

from tests.e2e.ingress.newcomers import HANDSHAKE
from tests.e2e.ingress.rendered import Annotations, Rendered
from tests.e2e.ingress.site import PING_SECONDS

PING: Final = "2"
PATIENCE_SECONDS: Final = PING_SECONDS + 3


async def websocket_hears_a_ping(url: str) -> bool:
    """Whether a silent WebSocket is still there when the ping comes."""
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{url}{HANDSHAKE}websocket") as socket,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        assert (await socket.receive_str()).startswith("0{")
        return bool((await socket.receive()).data == PING)


async def poll_hears_a_ping(url: str) -> bool:
    """Whether a hanging poll is answered with the ping."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(PATIENCE_SECONDS):
        async with http.get(f"{url}{HANDSHAKE}polling") as opened:
            session = json.loads((await opened.text()).removeprefix("0"))["sid"]
        async with http.get(f"{url}{HANDSHAKE}polling", params={"sid": session}) as poll:
            return poll.status == 200 and await poll.text() == PING


def without_timeouts(rendered: Rendered) -> Rendered:
    """The same, as if the preset left timeouts to the controller."""
    return Rendered(*(_untimed(annotations) for annotations in rendered))


def _untimed(annotations: Annotations) -> dict[str, str]:
    return {
        name: "\n".join(line for line in value.splitlines() if not line.startswith("timeout "))
        for name, value in annotations.items()
        if "timeout" not in name
    }
