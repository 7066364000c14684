"""Answers to polls are compressed for those who accept it; WebSockets never are."""

import json

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from tests.integration.sockets.pods import House, Node, Raw, token

TEXT = "x" * 2_000


async def answer_to_a_poll(node: Node, text: str, accepted: str) -> tuple[str | None, str]:
    """How the answer was encoded, and what it says."""
    url = f"{node.url}/socket.io/?EIO=4&transport=polling"
    async with aiohttp.ClientSession(headers={"Accept-Encoding": accepted}) as http:
        async with http.get(url) as opened:
            url += f"&sid={json.loads((await opened.text())[1:])['sid']}"
        for packet in (
            "40" + json.dumps({"token": token("ada")}),
            "421" + json.dumps(["toy:echo", {"text": text, "number": 7}]),
        ):
            async with http.post(url, data=packet) as posted:
                assert posted.status == 200
        got, encodings = "", []
        while "431[" not in got:
            async with http.get(url) as polled:
                got = await polled.text()
                encodings.append(polled.headers.get("content-encoding"))
        await (await http.post(url, data="1")).release()
        return encodings[-1], got


@pytest.mark.parametrize("accepted", ["gzip", "deflate, gzip;q=0.5"])
async def test_large_answers_are_compressed_if_accepted(node: Node, accepted: str) -> None:
    encoding, got = await answer_to_a_poll(node, TEXT, accepted)
    assert encoding == "gzip"
    assert TEXT in got


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "br", "*;q=1, gzip;q=0.0"])
async def test_they_are_not_if_not_accepted(node: Node, accepted: str) -> None:
    encoding, got = await answer_to_a_poll(node, TEXT, accepted)
    assert encoding is None
    assert TEXT in got


async def test_small_answers_are_not(node: Node) -> None:
    url = f"{node.url}/socket.io/?EIO=4&transport=polling"
    async with aiohttp.ClientSession() as http:
        async with http.get(url) as answer:
            assert "content-encoding" not in answer.headers
            sid = json.loads((await answer.text())[1:])["sid"]
        await (await http.post(f"{url}&sid={sid}", data="1")).release()


async def test_sockets_agree_to_no_extension(house: House, node: Node) -> None:
    offer = [ClientPerMessageDeflateFactory()]
    async with connect(node.ws_url(), compression=None, extensions=offer) as ws:
        assert ws.protocol.extensions == []
        assert ws.response is not None
        assert "sec-websocket-extensions" not in ws.response.headers
        raw = Raw(ws)
        await raw.next("0")
        await raw.connect("ada")
        await raw.send("421" + json.dumps(["toy:echo", {"text": TEXT, "number": 7}]))
        assert TEXT in await raw.next("431")
