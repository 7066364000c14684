"""More than anybody needs, as fast as the network takes it."""

import asyncio
from collections.abc import Mapping
from typing import Final

from tests.e2e.hostile.kind import (
    CLOSE_SECONDS,
    CONNECT_SECONDS,
    PAUSE_SECONDS,
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
    OPEN,
    PING,
    SERVED,
    TEXT,
    Ending,
    Line,
    Target,
    frame,
    text,
)
from tests.e2e.hostile.requests import Polling, polling

COMMANDS: Final = 2_000
SMALL_BUFFER: Final = 4096
ASKING_FOR_ALL: Final = text('421["sync",{"cursors":{}}]')


def fragments(one: bytes) -> Attack:
    """Begin a message and never come to its end."""

    async def attack(target: Target) -> Ending:
        async with Line.open(target) as line:
            await line.join(target)
            await line.send(frame(TEXT, b"4", fin=False))
            ending = asyncio.create_task(line.ending())
            while await line.send(one * 500) and not ending.done():
                pass
            return await ending

    return attack


def never_reading(data: bytes, *, pause: float = 0.0) -> Attack:
    """Send this again and again until nobody is there to send to, and never read."""

    async def attack(target: Target) -> Ending:
        async with Line.open(target, receive_buffer=SMALL_BUFFER) as line:
            await line.join(target)
            line.stop_reading()
            await line.feed(data, every=pause)
            return CUT

    return attack


def reading(data: bytes) -> Attack:
    """Send this, all at once, and read what comes of it."""

    async def attack(target: Target) -> Ending:
        async with Line.open(target) as line:
            await line.join(target)
            sending = asyncio.create_task(line.send(data))
            ending = await line.served()
            await sending
            return ending

    return attack


async def commands(target: Target) -> Ending:
    """Command faster than anybody can handle it; each is answered, in order."""
    async with Line.open(target) as line:
        await line.join(target)
        asked = b"".join(text(f'42{number}["no:such"]') for number in range(COMMANDS))
        sending = asyncio.create_task(line.send(asked))
        for number in range(COMMANDS):
            if not (await line.text()).startswith(f"43{number}["):
                return OPEN
        await sending
        return await line.served()


async def bad_tokens(target: Target) -> Ending:
    """Guess tokens on one connection."""
    async with Line.open(target) as line:
        await line.upgrade()
        guesses = (text(f'40{{"token":"guess-{number}"}}') for number in range(500))
        sending = asyncio.create_task(line.send(b"".join(guesses)))
        ending = await line.ending()
        await sending
        return ending


async def many_packets_in_one_post(target: Target) -> Ending:
    """Fill one payload with as many packets as it holds."""
    async with polling(target) as session:
        return await Polling(target, session.sid).post(b"\x1e".join([b"3"] * 32_000))


_UNREAD: Final = closed(4408, 4429) | ended(CUT)
_UNREAD_SECONDS: Final = PAUSE_SECONDS + CLOSE_SECONDS + SLACK_SECONDS

KINDS: Final[Mapping[str, Kind]] = {
    "flood: empty fragments": Kind(fragments(frame(CONTINUATION, fin=False)), closed(4429)),
    "flood: fragments of one byte": Kind(
        fragments(frame(CONTINUATION, b"x", fin=False)), closed(4429)
    ),
    "flood: PINGs, never reading": Kind(
        never_reading(frame(PING, bytes(125)) * 500), _UNREAD, _UNREAD_SECONDS
    ),
    "flood: commands, never reading": Kind(
        # Its acks are small: the network takes them for longer than this waits.
        never_reading(text('421["no:such"]') * 50),
        _UNREAD | ended(OPEN),
        _UNREAD_SECONDS,
    ),
    "flood: asking for much, never reading": Kind(
        never_reading(text("3") + ASKING_FOR_ALL * 4, pause=0.01), _UNREAD, _UNREAD_SECONDS
    ),
    "flood: PINGs": Kind(reading(frame(PING, bytes(125)) * COMMANDS), closed(4429) | ended(SERVED)),
    "flood: PONGs": Kind(reading(text("3") * COMMANDS), closed(4400, 4429) | ended(SERVED)),
    # On a busy machine the 10 s for which reading may pause end first.
    "flood: commands": Kind(commands, ended(SERVED) | closed(4408), 20.0),
    "flood: bad tokens": Kind(
        bad_tokens, closed(4400, 4401, 4429), CONNECT_SECONDS + SLACK_SECONDS
    ),
    "flood: packets in one POST": Kind(many_packets_in_one_post, answered(200, 400)),
}
