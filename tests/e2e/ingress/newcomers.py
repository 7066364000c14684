"""Handshakes at an ingress, by people with and without a cookie."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from typing import Final

import aiohttp

from tests.e2e.ingress.rendered import COOKIE

HANDSHAKE: Final = "/socket.io/?EIO=4&transport="


async def polling(url: str, cookie: str = "") -> int:
    """The status of a polling handshake."""
    async with (
        aiohttp.ClientSession(headers=_headers(cookie)) as http,
        http.get(f"{url}{HANDSHAKE}polling") as answer,
    ):
        return answer.status


async def websocket(url: str, cookie: str = "") -> int:
    """The status of a WebSocket's handshake."""
    async with aiohttp.ClientSession(headers=_headers(cookie)) as http:
        try:
            async with http.ws_connect(f"{url}{HANDSHAKE}websocket") as socket:
                assert (await socket.receive()).data.startswith("0{")
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status


async def statuses(url: str, cookies: Iterable[str]) -> list[int]:
    """Of handshakes of both kinds, with each of the cookies and without one."""
    return [status for cookie in ["", *cookies] for status in await _both(url, cookie)]


async def staying(url: str, count: int) -> Counter[str]:
    """How many of so many newcomers, who all stay until the last has come, are on each pod.

    Pods are named by the cookie that leads to them.
    """
    async with AsyncExitStack() as ends:
        cookies = [await _stays(url, ends) for _ in range(count)]
    by_pod: dict[str, list[str]] = {}
    for cookie in cookies:
        by_pod.setdefault(cookie.partition("|")[0], []).append(cookie)  # HAProxy adds a date
    return Counter({same[0]: len(same) for same in by_pod.values()})


async def _stays(url: str, ends: AsyncExitStack) -> str:
    http = await ends.enter_async_context(aiohttp.ClientSession())
    await ends.enter_async_context(http.ws_connect(f"{url}{HANDSHAKE}websocket"))
    (cookie,) = [one.value for one in http.cookie_jar if one.key == COOKIE]
    return cookie


async def _both(url: str, cookie: str) -> Iterator[int]:
    return iter([await polling(url, cookie), await websocket(url, cookie)])


def _headers(cookie: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}  # as it is: a jar would quote it
