"""Socket.IO packets as text: strict on the way in, encoded once on the way out."""

import json
import re
from enum import IntEnum
from typing import Final, NamedTuple

import msgspec

from whatchat.domain.contract import Event

MAX_ATTACHMENTS: Final = 10
MAX_BINARY_DEPTH: Final = 32


class MalformedPacket(ValueError):
    """Not a packet that a client may send."""


class Kind(IntEnum):
    """The packet types of Socket.IO protocol 5."""

    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4
    BINARY_EVENT = 5
    BINARY_ACK = 6


class Packet(NamedTuple):
    """A well-formed packet; ``data`` is decoded JSON, ``attachments`` how many are to follow.

    Numbers and strings that JSON can write but nobody may send (NaN, lone surrogates) are
    as they came, and binary arguments are ``bytes``, whatever their content: commands
    refuse them where they can name the field.
    """

    kind: Kind
    namespace: str
    ack_id: int | None
    data: object
    attachments: int = 0

    @property
    def items(self) -> list[object]:
        """An event's name and arguments."""
        return self.data if isinstance(self.data, list) else []


class Frame(NamedTuple):
    """An encoded Engine.IO packet, shared by all its recipients; ``size`` in bytes."""

    text: str
    size: int


_PACKET = re.compile(
    r"(?P<kind>[0-6])"
    r"(?:(?P<attachments>[0-9]{1,4})-)?"
    r"(?:(?P<namespace>/[^,]{0,128})(?:,|\Z))?"
    r"(?P<ack_id>[0-9]{1,15})?"
    r"(?P<data>.*)\Z",
    re.DOTALL,
)
_EVENTS = frozenset({Kind.EVENT, Kind.BINARY_EVENT})
_BINARY = frozenset({Kind.BINARY_EVENT, Kind.BINARY_ACK})


def decode(text: str) -> Packet:
    """Parse one packet. Raises :class:`MalformedPacket`."""
    found = _PACKET.match(text)
    if found is None:
        raise MalformedPacket("not a packet")
    kind = Kind(int(found["kind"]))
    namespace = (found["namespace"] or "/").partition("?")[0]
    ack_id = int(found["ack_id"]) if found["ack_id"] else None
    attachments = _attachments(kind, found["attachments"])
    data = _data(kind, found["data"])
    _require_shape(kind, ack_id, data)
    if kind is Kind.BINARY_EVENT:
        data = _without_placeholders(data)
    return Packet(kind, namespace, ack_id, data, attachments)


class Assembler:
    """Puts binary events together: their attachments are counted, not kept."""

    def __init__(self) -> None:
        self._packet: Packet | None = None
        self._missing = 0

    def take(self, text: str | None) -> Packet | None:
        """The packet that is now complete; ``text`` is ``None`` for an attachment.

        Raises :class:`MalformedPacket`, also for an attachment that nothing asked for.
        """
        if (text is None) is not bool(self._missing):
            raise MalformedPacket("an attachment is missing, or one too many")
        if text is not None:
            self._packet = decode(text)
            self._missing = self._packet.attachments
        else:
            self._missing -= 1
        return None if self._missing else self._packet


def event_frame(name: str, payload: bytes) -> Frame:
    """The frame of an event whose data is JSON already."""
    return _frame(f'42["{name}",', payload, "]")


def frame_of(event: Event) -> Frame:
    """The frame of an event."""
    return event_frame(event.name, msgspec.json.encode(event))


def success_frame(ack_id: int, payload: bytes) -> Frame:
    """The ack of a command that went well; ``payload`` is its data as JSON."""
    return _frame(f'43{ack_id}[{{"ok":true,"data":', payload, "}]")


def failure_frame(ack_id: int, payload: bytes) -> Frame:
    """The ack of a command that failed; ``payload`` is the error as JSON."""
    return _frame(f'43{ack_id}[{{"ok":false,"error":', payload, "}]")


def plain_frame(text: str) -> Frame:
    """A frame that is text already."""
    return Frame(text, len(text.encode()))


def _frame(head: str, payload: bytes, tail: str) -> Frame:
    return Frame(head + payload.decode() + tail, len(head) + len(payload) + len(tail))


def _attachments(kind: Kind, digits: str | None) -> int:
    count = int(digits) if digits else 0
    if (kind in _BINARY) is not (digits is not None) or count > MAX_ATTACHMENTS:
        raise MalformedPacket("wrong number of attachments")
    return count


def _data(kind: Kind, text: str) -> object:
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        if kind not in _EVENTS:
            raise MalformedPacket("not JSON") from error
    return _parse_leniently(text)


def _parse_leniently(text: str) -> object:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedPacket("not JSON") from error
    if isinstance(data, list) and data and isinstance(data[0], str) and not data[0].isascii():
        raise MalformedPacket("no event has such a name")
    return data


def _without_placeholders(data: object, depth: int = 0) -> object:
    if depth > MAX_BINARY_DEPTH:
        raise MalformedPacket("nested too deeply")
    if isinstance(data, list):
        return [_without_placeholders(item, depth + 1) for item in data]
    if isinstance(data, dict):
        if data.get("_placeholder") is True:
            return b""
        return {key: _without_placeholders(item, depth + 1) for key, item in data.items()}
    return data


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
