"""HTTP that no client speaks: requests, handshakes and polls."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from tests.e2e.hostile.kind import Attack, Kind, answered, closed, ended
from tests.e2e.hostile.line import (
    CUT,
    OPEN,
    POLLED_OUT,
    POLLING_PATH,
    SERVED,
    Ending,
    Line,
    Over,
    Target,
    frame,
    handshake,
    request,
)

MEBIBYTE: Final = 1 << 20
ON_ITS_WAY_SECONDS: Final = 0.1
COOKIES: Final = "Cookie: " + "c" * 16_000
KEY: Final = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
VERSION: Final = "Sec-WebSocket-Version: 13"
JSON: Final = "Content-Type: application/json"
LOGIN: Final = "/api/auth/login"

NO_HTTP: Final[Mapping[str, bytes]] = {
    "not HTTP": b"\x00\x01\x02\x03\r\n\r\n",
    "a TLS handshake": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a NUL in a header": request("GET", "/livez", "X: a\x00b"),
    "no colon in a header": request("GET", "/livez", "nonsense"),
    "a negative length": request("POST", LOGIN, "Content-Length: -1"),
    "a length of 400 digits": request("POST", LOGIN, "Content-Length: " + "9" * 400),
    "two lengths": request("POST", LOGIN, "Content-Length: 1", "Content-Length: 2"),
    "a length and chunks": request(
        "POST", LOGIN, "Content-Length: 4", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "a chunk of no size": request("POST", LOGIN, "Transfer-Encoding: chunked", body=b"xyz\r\n"),
    "a chunk of 2^64 bytes": request(
        "POST", LOGIN, "Transfer-Encoding: chunked", body=b"F" * 17 + b"\r\n"
    ),
}
TOO_LONG: Final[Mapping[str, bytes]] = {
    "a megabyte of cookies": request("GET", "/livez", "Cookie: " + "c" * MEBIBYTE),
    "a megabyte of short headers": request("GET", "/livez", *["X-A: b"] * (MEBIBYTE // 8)),
    "a megabyte of path": request("GET", "/" + "p" * MEBIBYTE),
    "a megabyte of cookies to the sockets": request(
        "GET", POLLING_PATH, "Cookie: " + "c" * MEBIBYTE
    ),
    "a megabyte of cookies to upgrade": handshake(VERSION, KEY, "Cookie: " + "c" * MEBIBYTE),
}
BAD_HANDSHAKES: Final[Mapping[str, bytes]] = {
    "version 8": handshake("Sec-WebSocket-Version: 8", KEY),
    "no version": handshake(KEY),
    "no key": handshake(VERSION),
    "a short key": handshake(VERSION, "Sec-WebSocket-Key: AAAA"),
    "a key that is no base64": handshake(VERSION, "Sec-WebSocket-Key: " + "!" * 24),
    "by POST": handshake(VERSION, KEY, "Content-Length: 0", method="POST"),
    "an unknown session": handshake(sid="nobody"),
    "a session id of 8 KiB": handshake(sid="s" * 8192),
}
MALFORMED_PAYLOADS: Final[Mapping[str, bytes]] = {
    "an unknown packet": b"x",
    "an empty packet": b"3\x1e",
    "bad UTF-8": b"4\xff",
    "bad base64": b"b###",
    "an empty payload": b"",
}


def saying(data: bytes) -> Attack:
    """Send this and take the answer."""

    async def attack(target: Target) -> Ending:
        async with Line.open(target) as line:
            await line.send(data)
            return await line.answer()

    return attack


async def endless_headers(target: Target) -> Ending:
    """Send headers until somebody stops it."""
    async with Line.open(target) as line:
        await line.send(b"GET /livez HTTP/1.1\r\n")
        answering = asyncio.create_task(line.answer())
        for _ in range(64):
            if answering.done() or not await line.send(b"X-A: b\r\n" * (MEBIBYTE // 8)):
                return await answering
        answering.cancel()
        return OPEN


def endless_chunks(path: str = "") -> Attack:
    """POST a body without a length or an end, to the sockets unless ``path`` says where."""

    async def attack(target: Target) -> Ending:
        async with polling(target) as session, Line.open(target) as line:
            head = ("Transfer-Encoding: chunked", JSON)
            await line.send(request("POST", path or session.path, *head))
            answering = asyncio.create_task(line.answer())
            chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
            for _ in range(1024):
                if answering.done() or not await line.send(chunk):
                    return await answering
            answering.cancel()
            return OPEN

    return attack


async def fine_handshake_with_cookies(target: Target) -> Ending:
    """Browsers send up to 16 KiB of cookies; that is nobody's fault."""
    async with Line.open(target) as line:
        await line.upgrade(VERSION, KEY, COOKIES)
        return SERVED


class Polling:
    """A polling session, before CONNECT."""

    def __init__(self, target: Target, sid: str) -> None:
        self.target = target
        self.sid = sid
        self.path = f"{POLLING_PATH}&sid={sid}"

    async def post(self, body: bytes) -> Ending:
        """How a POST of this payload fares."""
        async with Line.open(self.target) as line:
            length = f"Content-Length: {len(body)}"
            await line.send(
                request("POST", self.path, length, "Content-Type: text/plain", body=body)
            )
            return await line.answer()

    async def get(self) -> Ending:
        """How a GET fares: :data:`POLLED_OUT` if it is the last."""
        async with Line.open(self.target) as line:
            await line.send(request("GET", self.path))
            try:
                status, body = await line.response()
            except Over as over:
                return over.ending
            return POLLED_OUT if body.endswith(b"1") else Ending("http", status)

    async def is_gone(self) -> bool:
        """Whether the session is unknown."""
        return await self.get() == Ending("http", 400)


@asynccontextmanager
async def polling(target: Target) -> AsyncIterator[Polling]:
    """A new session."""
    async with Line.open(target) as line:
        await line.send(request("GET", POLLING_PATH))
        status, body = await line.response()
        if status != 200:
            raise Over(Ending("http", status))
        yield Polling(target, json.loads(body[1:])["sid"])


def posting(payload: bytes) -> Attack:
    """POST while a GET waits, which tells how the session ends."""

    async def attack(target: Target) -> Ending:
        async with polling(target) as session:
            getting = asyncio.create_task(session.get())
            await asyncio.sleep(ON_ITS_WAY_SECONDS)
            await session.post(payload)
            ending = await getting
            if ending == Ending("http", 200):  # a PING was there first, and nobody to be told
                ending = POLLED_OUT
            return ending if await session.is_gone() else OPEN

    return attack


async def two_gets(target: Target) -> Ending:
    """Poll twice at once: one is refused and the other one told to go."""
    async with polling(target) as session:
        endings = set(await asyncio.gather(session.get(), session.get()))
        if Ending("http", 200) in endings:  # a PING came between them: they did not meet
            return await two_gets(target)
        is_right = endings == {Ending("http", 400), POLLED_OUT}
        return POLLED_OUT if is_right and await session.is_gone() else OPEN


async def large_post_announced(target: Target) -> Ending:
    """Announce a POST of a gigabyte and wait what they say."""
    async with polling(target) as session, Line.open(target) as line:
        await line.send(request("POST", session.path, f"Content-Length: {1 << 30}"))
        return await line.answer()


async def large_post(target: Target) -> Ending:
    """POST one byte more than may be."""
    async with polling(target) as session:
        return await session.post(b"4" * 65_537)


async def chunked_post(target: Target) -> Ending:
    """A small payload whose length is not told: fine by HTTP, and may be refused."""
    async with polling(target) as session, Line.open(target) as line:
        body = b"1\r\n3\r\n0\r\n\r\n"
        await line.send(request("POST", session.path, "Transfer-Encoding: chunked", body=body))
        return await line.answer()


async def second_websocket(target: Target) -> Ending:
    """Open a WebSocket on a session that has one; the first must not notice."""
    async with Line.open(target) as first, Line.open(target) as second:
        await first.join(target)
        await second.send(handshake(sid=first.sid))
        ending = await second.answer()
        if ending == Ending("http", 101):
            ending = await second.ending()
        return ending if await first.served() == SERVED else OPEN


async def poll_on_a_websocket(target: Target) -> Ending:
    """Poll a session that is on a WebSocket; it must not notice."""
    async with Line.open(target) as first:
        await first.join(target)
        ending = await Polling(target, first.sid).get()
        return ending if await first.served() == SERVED else OPEN


async def frames_ahead_of_the_handshake(target: Target) -> Ending:
    """Send frames with the handshake, before anybody has agreed to a WebSocket."""
    async with Line.open(target) as line:
        await line.send(handshake() + frame(0x3))
        if (ending := await line.answer()) != Ending("http", 101):
            return ending
        return await line.ending()


_TOO_LONG = answered(400, 413, 414, 431) | ended(CUT)

KINDS: Final[Mapping[str, Kind]] = {
    **{
        f"HTTP: {name}": Kind(saying(data), answered(400) | ended(CUT))
        for name, data in NO_HTTP.items()
    },
    **{f"HTTP: {name}": Kind(saying(data), _TOO_LONG) for name, data in TOO_LONG.items()},
    **{
        f"handshake: {name}": Kind(saying(data), answered(400, 405, 426))
        for name, data in BAD_HANDSHAKES.items()
    },
    **{
        f"polling: {name}": Kind(posting(payload), ended(POLLED_OUT))
        for name, payload in MALFORMED_PAYLOADS.items()
    },
    "HTTP: headers without an end": Kind(endless_headers, _TOO_LONG),
    "HTTP: 16 KB of cookies": Kind(saying(request("GET", POLLING_PATH, COOKIES)), answered(200)),
    "HTTP: chunks without an end": Kind(endless_chunks(LOGIN), answered(413)),
    "HTTP: a gigabyte announced": Kind(
        saying(request("POST", LOGIN, JSON, f"Content-Length: {1 << 30}")), answered(413)
    ),
    "handshake: 16 KB of cookies": Kind(fine_handshake_with_cookies, ended(SERVED)),
    "handshake: frames ahead of the answer": Kind(
        frames_ahead_of_the_handshake, closed(1002) | answered(400)
    ),
    "polling: chunks without an end": Kind(endless_chunks(), answered(413)),
    "polling: chunks without a length": Kind(chunked_post, answered(200, 411)),
    "polling: a gigabyte announced": Kind(large_post_announced, answered(413)),
    "polling: one byte too many": Kind(large_post, answered(413)),
    "polling: two GETs": Kind(two_gets, ended(POLLED_OUT)),
    "session: a second WebSocket": Kind(
        second_websocket, answered(400) | closed(1000, 1002, 4400) | ended(CUT)
    ),
    "session: a GET beside the WebSocket": Kind(poll_on_a_websocket, answered(400)),
}
