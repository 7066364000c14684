"""Packets that no Engine.IO or Socket.IO client sends."""

from collections.abc import Mapping
from typing import Any, Final

from tests.e2e.hostile.frames import sending
from tests.e2e.hostile.kind import Attack, Kind, closed, ended
from tests.e2e.hostile.line import BINARY, MARKER, OPEN, SERVED, Ending, Line, Target, frame, text

DEPTH: Final = 60_000
HUGE: Final = 9_999_999_999
PLACEHOLDER: Final = '{"_placeholder":true,"num":0}'

MALFORMED: Final[Mapping[str, str]] = {
    "Engine.IO: nothing at all": "",
    "Engine.IO: unknown type": "9",
    "Engine.IO: no type": "x",
    "Engine.IO: a PING from the client": "2",
    "Socket.IO: nothing at all": "4",
    "Socket.IO: unknown type": "47[]",
    "Socket.IO: event without data": "42",
    "Socket.IO: event of an object": "42{}",
    "Socket.IO: event without a name": "42[]",
    "Socket.IO: event named by a number": "42[1]",
    "Socket.IO: event named by null": "42[null]",
    "Socket.IO: event of a text": '42"sync"',
    "Socket.IO: a CONNECT_ERROR from the client": '44{"message":"no"}',
    "JSON: cut off": '42["sync"',
    "JSON: not JSON": "42[sync]",
    "JSON: followed by more": '42["sync"]]',
    "JSON: 60,000 brackets": "42" + "[" * DEPTH,
    "JSON: 60,000 braces": '42["sync",' + '{"a":' * (DEPTH // 5),
    "ack: without an id": '43["x"]',
    "ack: of an object": "437{}",
    "ack: 60,000 brackets": "437" + "[" * DEPTH,
    "ack: an id of 400 digits": "43" + "9" * 400 + "[]",
    "ack: wanted under 400 digits": "42" + "9" * 400 + '["sync",{}]',
    "ack: wanted under 60,000 digits": "42" + "9" * DEPTH + '["sync",{}]',
    "attachments: 9999999999 of them": f'45{HUGE}-["sync",{PLACEHOLDER}]',
    "attachments: 400 digits of them": "45" + "9" * 400 + f'-["sync",{PLACEHOLDER}]',
    "attachments: 9999999999 in an ack": f"46{HUGE}-7[{PLACEHOLDER}]",
    "attachments: fewer than none": f'45-1-["sync",{PLACEHOLDER}]',
    "attachments: of a plain event": '421-["sync",{}]',
}
LIFECYCLE: Final = ("connect", "connect_error", "disconnect", "disconnecting", "*", "__proto__")


def asking(command: bytes) -> Attack:
    """Ask with an ack; served if that is refused as ``invalid`` and nothing else happens."""

    async def attack(target: Target) -> Ending:
        async with Line.open(target) as line:
            await line.join(target)
            answer: Any = await line.ask(command)
            if (answer["ok"], answer.get("error", {}).get("code")) != (False, "invalid"):
                return OPEN
            return await line.served()

    return attack


def ignored(data: bytes) -> Attack:
    """Send what means nothing to the node."""

    async def attack(target: Target) -> Ending:
        async with Line.open(target) as line:
            await line.join(target)
            await line.send(data)
            return await line.served()

    return attack


async def lifecycle_event_without_ack(target: Target) -> Ending:
    """Be told by an event that there is no such command."""
    async with Line.open(target) as line:
        await line.join(target)
        await line.send(text('42["disconnect",{}]'))
        refused = (await line.text()).startswith('42["error",{"code":"invalid"')
        return await line.served() if refused else OPEN


async def event_before_connect(target: Target) -> Ending:
    """Command without having said who it is."""
    async with Line.open(target) as line:
        await line.upgrade()
        await line.send(text('42["sync",{"cursors":{}}]'))
        return await line.ending()


def _nested(depth: int) -> bytes:
    """Well-formed, and as deep as a packet can hold."""
    return text(f'42{MARKER}["sync",' + "[" * depth + "]" * depth + "]")


def _bound(*packets: str | bytes) -> bytes:
    return b"".join(text(one) if isinstance(one, str) else frame(BINARY, one) for one in packets)


BINARY_EVENT: Final = f'451-{MARKER}["sync",{PLACEHOLDER}]'

KINDS: Final[Mapping[str, Kind]] = {
    **{
        name: Kind(sending(text(packet), joined=True), closed(4400))
        for name, packet in MALFORMED.items()
    },
    **{
        f"lifecycle: an event named {name}": Kind(
            asking(text(f'42{MARKER}["{name}",{{}}]')), ended(SERVED)
        )
        for name in LIFECYCLE
    },
    "lifecycle: disconnect without an ack": Kind(lifecycle_event_without_ack, ended(SERVED)),
    "lifecycle: a second CONNECT": Kind(
        sending(text('40{"token":"again"}'), joined=True), closed(4400)
    ),
    "lifecycle: an event before CONNECT": Kind(event_before_connect, closed(4400, 4401)),
    "lifecycle: a malformed CONNECT": Kind(
        sending(text('40{"token":' + "[" * DEPTH), joined=False), closed(4400)
    ),
    "JSON: 30,000 well-formed levels": Kind(asking(_nested(DEPTH // 2)), closed(4400)),
    "JSON: 500 well-formed levels": Kind(asking(_nested(500)), closed(4400) | ended(SERVED)),
    "ack: nobody asked for it": Kind(ignored(text('4312345["x"]')), ended(SERVED)),
    "ack: binary, nobody asked for it": Kind(
        ignored(_bound(f"461-12345[{PLACEHOLDER}]", b"x")), ended(SERVED)
    ),
    "attachments: nobody asked for one": Kind(sending(_bound(b"x"), joined=True), closed(4400)),
    "attachments: text in place of one": Kind(
        sending(_bound(BINARY_EVENT, "3", '42["sync",{}]'), joined=True), closed(4400)
    ),
    "attachments: one too many": Kind(
        sending(_bound(BINARY_EVENT, b"x", b"x"), joined=True), closed(4400)
    ),
    "attachments: of a command": Kind(asking(_bound(BINARY_EVENT, b"x")), ended(SERVED)),
    "attachments: a number that none has": Kind(
        asking(_bound(BINARY_EVENT.replace('"num":0', f'"num":{HUGE}'), b"x")),
        closed(4400) | ended(SERVED),
    ),
}
