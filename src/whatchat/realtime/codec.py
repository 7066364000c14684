"""Socket.IO packets as text: strict on the way in, encoded once on the way out."""

import json
import re
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from whatchat.domain.contract import Event
from whatchat.realtime.frame import Frame, frame

MAX_ATTACHMENTS: Final = 10
MAX_BINARY_DEPTH: Final = 32
MAX_ID_DIGITS: Final = 15


class MalformedPacket(ValueError):
    """Not a packet that a client may send."""


class OversizedPacket(ValueError):
    """A packet and its attachments are larger than a packet may be."""


class Kind(IntEnum):
    """The packet types of Socket.IO protocol 5."""

    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4
    BINARY_EVENT = 5
    BINARY_ACK = 6


class Packet(Struct, frozen=True):
    """A well-formed packet; ``data`` is decoded JSON, ``attachments`` how many belong to it.

    Numbers and strings that JSON can write but nobody may send (NaN, lone surrogates) are
    as they came, and binary arguments are ``bytes``: commands refuse them where they can
    name the field.
    """

    kind: Kind
    namespace: str
    ack_id: int | None
    data: object
    attachments: int = 0

    @property
    def items(self) -> list[Any]:
        """An event's name and arguments, or those of an ack."""
        return self.data if isinstance(self.data, list) else []


_PACKET = re.compile(
    r"(?P<kind>[0-6])"
    r"(?:(?P<attachments>[0-9]{1,4})-)?"
    r"(?:(?P<namespace>/[^,]{0,128})(?:,|\Z))?"
    rf"(?P<ack_id>[0-9]{{1,{MAX_ID_DIGITS}}})?"
    r"(?P<data>.*)\Z",
    re.DOTALL,
)
_EVENTS = frozenset({Kind.EVENT, Kind.BINARY_EVENT})
_BINARY = frozenset({Kind.BINARY_EVENT, Kind.BINARY_ACK})


def decode(text: str) -> Packet:
    """Parse one packet. Raises :class:`MalformedPacket`."""
    if text[:1] == "2" and (packet := _plain_event(text)):
        return packet
    found = _PACKET.match(text)
    if found is None:
        raise MalformedPacket("not a packet")
    kind = Kind(int(found["kind"]))
    namespace = (found["namespace"] or "/").partition("?")[0]
    ack_id = int(found["ack_id"]) if found["ack_id"] else None
    attachments = _attachments(kind, found["attachments"])
    data = _data(kind, found["data"])
    _require_shape(kind, ack_id, data)
    return Packet(kind, namespace, ack_id, data, attachments)


def _plain_event(text: str) -> Packet | None:
    """The short way for what clients send most; ``None`` where it leads nowhere."""
    start = text.find("[")
    digits = text[1:start]
    if start < 1 or (digits and not (digits.isdecimal() and digits.isascii())):
        return None
    try:
        data = msgspec.json.decode(text[start:])
    except (ValueError, RecursionError):
        return None
    if not data or type(data[0]) is not str or len(digits) > MAX_ID_DIGITS:
        return None
    return Packet(Kind.EVENT, "/", int(digits) if digits else None, data)


class Assembly:
    """A binary packet whose attachments, within ``max_bytes`` in all, are still to come."""

    __slots__ = ("_attachments", "_left", "_packet")

    def __init__(self, packet: Packet, max_bytes: int) -> None:
        self._packet = packet
        self._attachments: list[bytes] = []
        self._left = max_bytes

    def add(self, attachment: bytes) -> Packet | None:
        """The packet, once it is complete.

        Raises :class:`OversizedPacket`, and :class:`MalformedPacket` if it makes no sense.
        """
        self._attachments.append(attachment)
        self._left -= len(attachment)
        if self._left < 0:
            raise OversizedPacket("the attachments are too large")
        if len(self._attachments) < self._packet.attachments:
            return None
        return replace(self._packet, data=_filled(self._packet.data, self._attachments))


def event_frame(name: str, payload: bytes) -> Frame:
    """The frame of an event whose data is JSON already."""
    return _frame(f'42["{name}",', payload, b"]")


def frame_of(event: Event) -> Frame:
    """The frame of an event."""
    return event_frame(event.name, msgspec.json.encode(event))


def success_frame(ack_id: int, payload: bytes) -> Frame:
    """The ack of a command that went well; ``payload`` is its data as JSON."""
    return _frame(f'43{ack_id}[{{"ok":true,"data":', payload, b"}]")


def failure_frame(ack_id: int, payload: bytes) -> Frame:
    """The ack of a command that failed; ``payload`` is the error as JSON."""
    return _frame(f'43{ack_id}[{{"ok":false,"error":', payload, b"}]")


def _frame(head: str, payload: bytes, tail: bytes) -> Frame:
    return frame(b"".join((head.encode(), payload, tail)))


def _attachments(kind: Kind, digits: str | None) -> int:
    count = int(digits) if digits else 0
    if (kind in _BINARY) is not (0 < count <= MAX_ATTACHMENTS) or (digits and not count):
        raise MalformedPacket("wrong number of attachments")
    return count


def _data(kind: Kind, text: str) -> object:
    if not text:
        return None
    try:
        data: object = msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        if kind not in _EVENTS:
            raise MalformedPacket("not JSON") from error
        return _parse_leniently(text)
    if data is None:
        raise MalformedPacket("null is no data")
    return data


def _parse_leniently(text: str) -> object:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedPacket("not JSON") from error
    if isinstance(data, list) and data and isinstance(data[0], str) and not data[0].isascii():
        raise MalformedPacket("no event has such a name")
    return data


def _filled(data: object, attachments: Sequence[bytes], depth: int = 0) -> object:
    """``data`` with the attachments where placeholders are."""
    if depth > MAX_BINARY_DEPTH:
        raise MalformedPacket("nested too deeply")
    if isinstance(data, list):
        return [_filled(item, attachments, depth + 1) for item in data]
    if isinstance(data, dict):
        if data.get("_placeholder") is True:
            return _attachment(data.get("num"), attachments)
        return {key: _filled(item, attachments, depth + 1) for key, item in data.items()}
    return data


def _attachment(number: object, attachments: Sequence[bytes]) -> bytes:
    if not isinstance(number, int) or not 0 <= number < len(attachments):
        raise MalformedPacket("there is no such attachment")
    return attachments[number]


def _require_shape(kind: Kind, ack_id: int | None, data: object) -> None:
    match kind:
        case Kind.EVENT | Kind.BINARY_EVENT:
            fine = isinstance(data, list) and bool(data) and isinstance(data[0], str)
        case Kind.ACK | Kind.BINARY_ACK:
            fine = isinstance(data, list) and ack_id is not None
        case Kind.CONNECT:
            fine = (data is None or isinstance(data, dict)) and ack_id is None
        case Kind.DISCONNECT:
            fine = data is None and ack_id is None
        case Kind.CONNECT_ERROR:
            fine = False
    if not fine:
        raise MalformedPacket(f"not a well-formed {kind.name}")
