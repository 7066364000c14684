"""Who gets compressed answers."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, Router
from starlette.types import Message, Receive, Scope, Send

from whatchat.entrypoints.asgi import http_application
from whatchat.entrypoints.compression import COMPRESSED_FROM_BYTES, Compression


async def of_size(request: Request) -> Response:
    return PlainTextResponse("x" * request.path_params["size"])


async def streamed(_request: Request) -> Response:
    async def parts() -> AsyncIterator[str]:
        for _ in range(4):
            yield "x" * COMPRESSED_FROM_BYTES

    return StreamingResponse(parts())


ROUTES = [Route("/size/{size:int}", of_size), Route("/streamed", streamed)]


async def get(path: str, *accepted: str) -> httpx.Response:
    transport = httpx.ASGITransport(Compression(Router(ROUTES)))
    async with httpx.AsyncClient(transport=transport, base_url="http://pod") as client:
        del client.headers["Accept-Encoding"]
        headers = [("Accept-Encoding", value) for value in accepted]
        return await client.get(path, headers=headers)


ACCEPTING = [
    "gzip",
    "GZIP",
    "deflate, gzip",
    "gzip, deflate, br",
    "br;q=1, gzip;q=0.1",
    "gzip ; q=1.0",
    "gzip;Q=0.001",
]
REFUSING = [
    "",
    "identity",
    "br",
    "*",
    "gzip;q=0",
    "gzip; q=0.000",
    "gzip ;q=0, br",
    "br, gzip;q=0",
    "GZIP;Q=0",
    "notgzip",
    "gzipped, br",
    "br;x=gzip",
    "gzip;q=zero",
    "gzip;q=nan",
]


@pytest.mark.parametrize("accepted", ACCEPTING)
@pytest.mark.parametrize("path", ["/size/1024", "/streamed"])
async def test_who_accepts_it_gets_it(path: str, accepted: str) -> None:
    answer = await get(path, accepted)
    assert answer.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert set(answer.text) == {"x"}


@pytest.mark.parametrize("accepted", REFUSING)
@pytest.mark.parametrize("path", ["/size/1024", "/streamed"])
async def test_who_does_not_accept_it_gets_the_answer_as_it_is(path: str, accepted: str) -> None:
    answer = await get(path, accepted)
    assert "content-encoding" not in answer.headers
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert set(answer.text) == {"x"}


async def test_who_says_nothing_gets_the_answer_as_it_is() -> None:
    assert "content-encoding" not in (await get("/size/1024")).headers


async def test_headers_given_in_parts_count_as_one() -> None:
    assert (await get("/size/1024", "br", "gzip")).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in (await get("/size/1024", "br", "gzip;q=0")).headers


async def test_less_than_a_kibibyte_is_sent_as_it_is() -> None:
    assert "content-encoding" not in (await get("/size/1023", "gzip")).headers


async def test_rest_asks_the_same() -> None:
    transport = httpx.ASGITransport(http_application(ROUTES, []))
    async with httpx.AsyncClient(transport=transport, base_url="http://pod/api") as client:
        for accepted, encoding in (("gzip", "gzip"), ("gzip;q=0", None), ("identity", None)):
            answer = await client.get("/size/1024", headers={"Accept-Encoding": accepted})
            assert answer.headers.get("content-encoding") == encoding
            assert set(answer.text) == {"x"}


async def test_sockets_pass_untouched() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None: ...

    scope = {"type": "websocket", "headers": [(b"accept-encoding", b"gzip;q=0")]}
    await Compression(app)(scope, receive, send)
    assert seen == [scope]
    assert seen[0] is scope
