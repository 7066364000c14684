"""Where a client comes from, behind proxies: the same however it connects."""

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.e2e.conftest import NodeFactory
from tests.e2e.node_process import NodeProcess

SOCKET = "/socket.io/?EIO=4&transport="

ONE_EACH = {"WHATCHAT_RATE_LIMITS": "on", "WHATCHAT_CONNECTIONS_PER_ADDRESS": "1"}
"""So that a second connection tells whether it is taken for the first one's network."""


async def polls(node: NodeProcess, *hops: str) -> int:
    """What somebody is answered who polls from behind these hops."""
    headers = [("X-Forwarded-For", hop) for hop in hops]
    async with httpx.AsyncClient(base_url=node.url) as http:
        return (await http.get(f"{SOCKET}polling", headers=headers)).status_code


async def test_the_hop_that_the_proxy_noted_counts_for_sockets_and_requests_alike(
    node_factory: NodeFactory,
) -> None:
    node = node_factory({**ONE_EACH, "WHATCHAT_TRUSTED_PROXIES": "127.0.0.0/8"})
    url = f"ws://127.0.0.1:{node.port}{SOCKET}websocket"
    headers = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-For", "198.51.100.1, 192.0.2.5")]
    async with connect(url, additional_headers=headers):
        for hops in (
            ("192.0.2.5",),
            ("203.0.113.9, 192.0.2.5",),
            ("127.0.0.1", "192.0.2.5"),
            ("192.0.2.5, 127.0.0.9",),
            ("::ffff:192.0.2.5",),
            ("192.0.2.5:4711",),
        ):
            assert await polls(node, *hops) == 429, hops
        assert await polls(node, "192.0.2.5, 192.0.2.6") == 200
        with pytest.raises(InvalidStatus) as refused:
            async with connect(url, additional_headers=[("X-Forwarded-For", "192.0.2.6")]):
                pass
        assert refused.value.response.status_code == 429


async def test_of_whom_nobody_trusts_nothing_is_believed(node_factory: NodeFactory) -> None:
    node = node_factory(ONE_EACH)
    assert await polls(node, "192.0.2.5") == 200
    assert await polls(node, "192.0.2.6") == 429
    url = f"ws://127.0.0.1:{node.port}{SOCKET}websocket"
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, additional_headers=[("X-Forwarded-For", "192.0.2.7")]):
            pass
    assert refused.value.response.status_code == 429
