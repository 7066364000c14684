"""The one line that tells why a client is not here, or no longer."""

import asyncio
import contextlib
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.integration.sockets.pods import House, Node
from tests.waiting import until
from whatchat.domain.ids import GrantId


def line(event: str, code: int) -> dict[str, Any]:
    return {"event": event, "code": code, "log_level": "info"}


@pytest.mark.parametrize(("packet", "code"), [("4nonsense", 4400), ('42["early"]', 4401)])
async def test_who_misbehaves_before_connect(
    house: House, node: Node, packet: str, code: int
) -> None:
    raw = await house.raw(node)
    with capture_logs() as lines:
        await raw.send(packet)
        assert (await raw.closed())[0] == code
        await asyncio.sleep(0.02)  # its end would have a line of its own here
    assert lines == [line("turned away", code)]


@pytest.mark.parametrize("query", ["EIO=3&transport=websocket", "EIO=4&transport=websocket&j=1"])
async def test_a_handshake_that_is_refused(node: Node, query: str) -> None:
    with capture_logs() as lines, contextlib.suppress(InvalidStatus):
        await connect(node.ws_url(query))
    assert lines == [{"event": "handshake refused", "status": 400, "log_level": "info"}]


@pytest.mark.parametrize("code", [4401, None])
async def test_who_is_gone(house: House, node: Node, code: int | None) -> None:
    raw = await house.raw(node, user_id="ada", grant="a-grant")
    with capture_logs() as lines:
        if code is None:
            await raw.ws.close()
        else:
            node.revocations.revoke([GrantId("a-grant")])
            assert (await raw.closed())[0] == code
        await until(lambda: not len(node.realtime.hub))
    assert [(each["event"], each["code"]) for each in lines] == [("disconnected", code)]
