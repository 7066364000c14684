"""What is read of the few packets that are decoded at all."""

from typing import Final

import msgspec
from msgspec import Struct


class Change(Struct, rename="camel"):
    """Something took the next rev of a room."""

    room_id: str
    rev: int


class Ready(Struct):
    """``session:ready``; how far each room has come."""

    epoch: str
    rooms: list[Change]


class Moving(Struct, rename="camel"):
    """``session:moving``."""

    reconnect_after_ms: int


class Refusal(Struct):
    """An error object."""

    code: str = "no code"
    retryable: bool = False


class _Refused(Struct):
    error: Refusal


class Sender(Struct):
    """Who wrote a message."""

    id: str


class SyncedMessage(Struct, rename="camel"):
    """A message of an answer to ``sync``."""

    seq: int
    client_id: str
    sender: Sender


class SyncedRoom(Struct, rename="camel"):
    """A room of an answer to ``sync``."""

    room_id: str
    rev: int
    messages: list[SyncedMessage]


class Synced(Struct):
    """An answer to ``sync``."""

    rooms: list[SyncedRoom]
    more: bool


class _SyncReply(Struct):
    data: Synced


change: Final = msgspec.json.Decoder(Change).decode
ready: Final = msgspec.json.Decoder(Ready).decode
moving: Final = msgspec.json.Decoder(Moving).decode
error: Final = msgspec.json.Decoder(Refusal).decode
_refused: Final = msgspec.json.Decoder(tuple[_Refused]).decode
_sync_reply: Final = msgspec.json.Decoder(tuple[_SyncReply]).decode


def refusal(ack: bytes) -> Refusal:
    """Why an ack is not ok."""
    return _refused(ack)[0].error


def synced(ack: bytes) -> Synced:
    """What the ack of a ``sync`` answers."""
    return _sync_reply(ack)[0].data
