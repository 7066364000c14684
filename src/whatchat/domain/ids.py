"""Identifiers: opaque strings of at most 32 of ``A-Z a-z 0-9 _ -``."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from typing import Annotated, NewType

from msgspec import Meta

UserId = NewType("UserId", str)
DeviceId = NewType("DeviceId", str)
SessionId = NewType("SessionId", str)
GrantId = NewType("GrantId", str)
RoomId = NewType("RoomId", str)
MessageId = NewType("MessageId", str)
ReportId = NewType("ReportId", str)
ClientId = NewType("ClientId", str)

Rev = NewType("Rev", int)
"""A change's place in its room's log: 1, 2, 3, … without gaps."""

Seq = NewType("Seq", int)
"""The ``rev`` at which a message was created; its place in the room's history."""

MAX_REV = 2**53 - 1

ID_PATTERN = r"^[A-Za-z0-9_-]{1,32}\Z"
CLIENT_ID_PATTERN = r"^[A-Za-z0-9_-]{16,64}\Z"

UserIdField = Annotated[UserId, Meta(pattern=ID_PATTERN)]
DeviceIdField = Annotated[DeviceId, Meta(pattern=ID_PATTERN)]
RoomIdField = Annotated[RoomId, Meta(pattern=ID_PATTERN)]
MessageIdField = Annotated[MessageId, Meta(pattern=ID_PATTERN)]
ReportIdField = Annotated[ReportId, Meta(pattern=ID_PATTERN)]
ClientIdField = Annotated[ClientId, Meta(pattern=CLIENT_ID_PATTERN)]
SeqField = Annotated[Seq, Meta(ge=0, le=MAX_REV)]
RevField = Annotated[Rev, Meta(ge=0, le=MAX_REV)]

_ROOM_ID_LENGTH = 22
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGIT_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}


def random_id() -> str:
    """128 random bits as 22 characters."""
    return secrets.token_urlsafe(16)


def derived_room_id(key: bytes, *parts: str) -> RoomId:
    """The room id that ``parts`` always lead to under the store's secret ``key``.

    Deriving the id from what must be unique (a pair of people; a creator and its
    ``clientId``) makes the uniqueness of the log's first entry settle it. A keyed
    digest is as unguessable as a random id to whoever lacks the key.
    """
    digest = hashlib.blake2b("\x1f".join(parts).encode(), key=key, digest_size=16).digest()
    return RoomId(urlsafe_b64encode(digest).rstrip(b"=").decode())


def derived_client_id(purpose: str, client_id: ClientId) -> ClientId:
    """The id of what follows, for one ``purpose``, from the command with ``client_id``."""
    digest = hashlib.blake2b(f"{purpose}\x1f{client_id}".encode(), digest_size=16).digest()
    return ClientId(urlsafe_b64encode(digest).rstrip(b"=").decode())


def direct_room_id(key: bytes, *pair: UserId) -> RoomId:
    """The id of the one direct room that two people have, whoever opens it."""
    return derived_room_id(key, "direct", *sorted(pair))


def message_id(room_id: RoomId, seq: Seq) -> MessageId:
    """A message's id: its room's id followed by ``seq`` in base 62, so that no index is needed."""
    digits = ""
    value: int = seq
    while value:
        value, digit = divmod(value, 62)
        digits = _DIGITS[digit] + digits
    return MessageId(room_id + digits)


def locate(identifier: MessageId) -> tuple[RoomId, Seq] | None:
    """The room and ``seq`` that a message id names; ``None`` if no message can have that id."""
    room_id, digits = identifier[:_ROOM_ID_LENGTH], identifier[_ROOM_ID_LENGTH:]
    if not digits or digits[0] == "0" or not all(digit in _DIGIT_VALUES for digit in digits):
        return None
    value = 0
    for digit in digits:
        value = value * 62 + _DIGIT_VALUES[digit]
    return (RoomId(room_id), Seq(value)) if value <= MAX_REV else None
