"""Clients that hold a connection as long as they are let: silent ones, and those that drip."""

import asyncio
import itertools
from collections.abc import Iterable, Mapping
from typing import Final

from tests.e2e.hostile.kind import (
    BODY_SECONDS,
    CLOSE_SECONDS,
    CONNECT_SECONDS,
    HEADERS_SECONDS,
    HEARTBEAT_SECONDS,
    SLACK_SECONDS,
    Attack,
    Kind,
    answered,
    closed,
    ended,
)
from tests.e2e.hostile.line import (
    CONTINUATION,
    CUT,
    POLLED_OUT,
    TEXT,
    Ending,
    Line,
    Target,
    frame,
    handshake,
    request,
    text,
)
from tests.e2e.hostile.requests import JSON, LOGIN, polling

DRIP_SECONDS: Final = 0.4


async def drip(line: Line, drops: Iterable[bytes]) -> None:
    """Send one after the other, slowly."""
    for drop in drops:
        if not await line.send(drop):
            break
        await asyncio.sleep(DRIP_SECONDS)


def dripping(*drops: bytes, endless: bytes = b"", ahead: bytes = b"") -> Attack:
    """Send HTTP by drops: bytes of ``drops``, then ``endless`` for ever; ``ahead`` at once."""

    async def attack(target: Target) -> Ending:
        async with Line.open(target) as line:
            if ahead:
                await line.send(ahead)
                await line.response()
            forever = itertools.repeat(endless) if endless else iter(())
            feeding = asyncio.create_task(drip(line, itertools.chain(drops, forever)))
            try:
                return await line.answer()
            finally:
                feeding.cancel()

    return attack


def each(data: bytes) -> list[bytes]:
    """Byte by byte."""
    return [bytes([byte]) for byte in data]


def dripping_frames(*drops: bytes, joined: bool) -> Attack:
    """The same over a WebSocket, which is not answered while a frame is under way."""

    async def attack(target: Target) -> Ending:
        async with Line.open(target) as line:
            await (line.join(target) if joined else line.upgrade())
            line.answers_pings = False
            feeding = asyncio.create_task(
                drip(line, itertools.chain(drops, itertools.repeat(b" ")))
            )
            try:
                return await line.ending()
            finally:
                feeding.cancel()

    return attack


def dripping_packets(*packets: bytes, pongs: bool = True) -> Attack:
    """Say these in turn, over a WebSocket that is not connected."""

    async def attack(target: Target) -> Ending:
        async with Line.open(target) as line:
            await line.upgrade()
            line.answers_pings = pongs
            feeding = asyncio.create_task(drip(line, itertools.cycle(packets)))
            try:
                return await line.ending()
            finally:
                feeding.cancel()

    return attack


async def vanished(target: Target) -> Ending:
    """Be connected, then neither read nor write: what a node sees of a peer without power."""
    async with Line.open(target) as line:
        await line.join(target)
        line.stop_reading()
        await asyncio.sleep(HEARTBEAT_SECONDS + CLOSE_SECONDS + SLACK_SECONDS / 3)
        await line.feed(text("3"), every=DRIP_SECONDS)
        return CUT


async def silent(target: Target) -> Ending:
    """Be connected and read, and answer nothing."""
    async with Line.open(target) as line:
        await line.join(target)
        line.answers_pings = False
        return await line.ending()


async def silent_on_close(target: Target) -> Ending:
    """Break the protocol, and do not answer the close: cut off once patience ends."""
    async with Line.open(target) as line:
        await line.upgrade()
        line.answers_close = False
        await line.send(frame(0x3))
        ending = await line.ending()
        return CUT if ending == Ending("closed", 1002) else ending


async def polling_without_connect(target: Target) -> Ending:
    """Poll, and never say who it is."""
    async with polling(target) as session:
        while (ending := await session.get()) == Ending("http", 200):
            await session.post(b"3")
        return ending


async def polling_without_polls(target: Target) -> Ending:
    """Open a session, and leave it at that."""
    async with polling(target) as session:
        await asyncio.sleep(CONNECT_SECONDS + SLACK_SECONDS / 2)
        return await session.get()


async def upgrade_without_probe(target: Target) -> Ending:
    """Open a WebSocket to upgrade to, and say nothing on it."""
    async with polling(target) as session, Line.open(target) as line:
        await line.send(handshake(sid=session.sid))
        if (ending := await line.answer()) != Ending("http", 101):
            return ending
        return await line.ending()


_GIVEN_UP: Final = answered(408) | ended(CUT)
# REST and the network below it both wait 10 s for a body; whichever is first answers.
_UNFINISHED: Final = _GIVEN_UP | answered(503)
_HEAD: Final = request("GET", "/livez")
_POST: Final = request("POST", LOGIN, JSON, "Content-Length: 1000")
_FRAME: Final = frame(TEXT, b"4", announced=1000)
_HEADERS: Final = HEADERS_SECONDS + SLACK_SECONDS
_BODY: Final = BODY_SECONDS + SLACK_SECONDS
_CONNECT: Final = CONNECT_SECONDS + SLACK_SECONDS
_HEARTBEAT: Final = HEARTBEAT_SECONDS + SLACK_SECONDS


async def dripping_poll(target: Target) -> Ending:
    """POST a payload by drops."""
    async with polling(target) as session:
        head = request("POST", session.path, "Content-Length: 1000")
        return await dripping(head, endless=b"3")(target)


KINDS: Final[Mapping[str, Kind]] = {
    "lingering: TCP and nothing else": Kind(dripping(), _GIVEN_UP, _HEADERS),
    "lingering: a request line by drops": Kind(
        dripping(*each(_HEAD), endless=b"x"), _GIVEN_UP, _HEADERS
    ),
    "lingering: headers by drops": Kind(
        dripping(_HEAD[:-2], endless=b"X-A: b\r\n"), _GIVEN_UP, _HEADERS
    ),
    "lingering: the second request by drops": Kind(
        dripping(_HEAD[:-2], endless=b"X-A: b\r\n", ahead=_HEAD), _GIVEN_UP, _HEADERS
    ),
    "lingering: a body by drops": Kind(dripping(_POST, endless=b" "), _UNFINISHED, _BODY),
    "lingering: chunks by drops": Kind(
        dripping(request("POST", LOGIN, JSON, "Transfer-Encoding: chunked"), endless=b"1\r\n \r\n"),
        _UNFINISHED,
        _BODY,
    ),
    "lingering: no body": Kind(dripping(_POST), _UNFINISHED, _BODY),
    "lingering: a payload by drops": Kind(dripping_poll, _GIVEN_UP | answered(400), _BODY),
    "lingering: a handshake without its end": Kind(dripping(handshake()[:-2]), _GIVEN_UP, _HEADERS),
    "lingering: a handshake by drops": Kind(
        dripping(handshake()[:-2], endless=b"X-A: b\r\n"), _GIVEN_UP, _HEADERS
    ),
    "lingering: a frame by drops, before CONNECT": Kind(
        dripping_frames(_FRAME, joined=False), closed(4401, 4408), _CONNECT + CLOSE_SECONDS
    ),
    "lingering: a frame by drops, connected": Kind(
        dripping_frames(_FRAME, joined=True), closed(4408), _HEARTBEAT + CLOSE_SECONDS
    ),
    "lingering: no CONNECT": Kind(dripping_packets(b""), closed(4401), _CONNECT),
    "lingering: no CONNECT, but fragments": Kind(
        dripping_packets(
            frame(TEXT, b"4", fin=False), *[frame(CONTINUATION, fin=False)] * 99, pongs=False
        ),
        closed(4401, 4408),
        _CONNECT,
    ),
    "lingering: bad tokens by drops": Kind(
        dripping_packets(text('40{"token":"guess"}')), closed(4401), _CONNECT
    ),
    "lingering: unknown namespaces by drops": Kind(
        dripping_packets(text("40/admin,")), closed(4401), _CONNECT
    ),
    "lingering: gone without a word": Kind(
        vanished, ended(CUT), _HEARTBEAT + CLOSE_SECONDS + SLACK_SECONDS
    ),
    "lingering: silent after CONNECT": Kind(silent, closed(4408), _HEARTBEAT),
    "lingering: silent on close": Kind(silent_on_close, ended(CUT), CLOSE_SECONDS + SLACK_SECONDS),
    "lingering: polls without CONNECT": Kind(
        polling_without_connect, ended(POLLED_OUT) | answered(400), _CONNECT
    ),
    "lingering: a session without polls": Kind(
        polling_without_polls, answered(400), _CONNECT + SLACK_SECONDS
    ),
    "lingering: an upgrade without a probe": Kind(
        upgrade_without_probe,
        answered(400) | closed(1000, 4400, 4401, 4408) | ended(CUT),
        _HEADERS,
    ),
}
