"""Two older vocabularies, row by row: what their clients ask for, and what they are told.

A row of ``asks`` says which command of ours an event of theirs is, and which of our fields
each of theirs is; what else they send is of no consequence. A row of ``tells`` makes their
events from one of ours; what has no row they are not told.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from whatchat.domain.errors import Invalid, NotFound
from whatchat.domain.ids import MessageId, locate, message_id, random_id

Data = dict[str, Any]
Told = Iterable[tuple[str, Data]]


class Ask(NamedTuple):
    """An event of theirs as a command of ours.

    ``fields`` are theirs by ours; ``complete`` adds what ours needs besides, ``alone`` is the
    field that may come by itself in place of an object.
    """

    command: str
    fields: Mapping[str, str]
    complete: Callable[[Data], Data] = lambda _theirs: {}
    alone: str | None = None


class Dialect(NamedTuple):
    """A vocabulary. ``hears_itself``: a socket is told by event, too, of what it did itself."""

    asks: Mapping[str, Ask]
    tells: Mapping[str, Callable[[Data], Told]]
    hears_itself: bool


def _with_client_id(_theirs: Data) -> Data:
    return {"clientId": random_id()}


def _up_to_message(theirs: Data) -> Data:
    """The room and the ``seq`` of the message that was read."""
    identifier = theirs.get("messageId")
    if not isinstance(identifier, str):
        raise Invalid("`messageId` must be a message's id", field="messageId")
    room_id, seq = locate(MessageId(identifier)) or ("", 0)
    if not seq or theirs.get("chatId") not in (None, room_id):
        raise NotFound("no such message", field="messageId")
    return {"roomId": room_id, "seq": seq}


def _error(error: Data) -> Told:
    yield "error", {"message": error["message"]}


def _is_said(message: Data) -> bool:
    """Whether somebody says it still: there are no words for the notes of a room's history."""
    return message["messageType"] != "system" and "deletedAt" not in message


def _message_received(event: Data) -> Told:
    message = event["message"]
    if _is_said(message):
        yield (
            "message_received",
            {
                "message": message["content"],
                "sender": message["sender"],
                "timestamp": message["createdAt"],
            },
        )


def _came_or_went(event: Data) -> Told:
    change = event.get("change", {})
    for user_id in change.get("userIds", ()):
        if change["kind"] in ("joined", "added"):
            yield "user_joined", {"userId": user_id, "username": _username(event["room"], user_id)}
        elif change["kind"] in ("left", "removed"):
            yield "user_left", {"userId": user_id}


def _username(room: Data, user_id: str) -> str:
    """The name of a participant; of whom a large room does not list, the id."""
    users = (participant["user"] for participant in room["participants"])
    return next((str(user["username"]) for user in users if user["id"] == user_id), user_id)


def _typing_indicator(*, is_typing: bool) -> Callable[[Data], Told]:
    return lambda event: [("typing_indicator", {"userId": event["userId"], "isTyping": is_typing})]


def _chat_message(event: Data) -> Told:
    message = event["message"]
    if _is_said(message):
        yield (
            "message:new",
            {
                "id": message["id"],
                "chat_id": message["roomId"],
                "content": message["content"],
                "sender": message["sender"],
                "created_at": message["createdAt"],
            },
        )


def _chat_status(event: Data) -> Told:
    yield "user:status", {"userId": event["userId"], "status": event["status"]}


def _chat_typing_start(event: Data) -> Told:
    told = {"chatId": event["roomId"], "userId": event["userId"], "username": event["username"]}
    yield "typing:start", told


def _chat_typing_stop(event: Data) -> Told:
    yield "typing:stop", {"chatId": event["roomId"], "userId": event["userId"]}


def _chat_read(event: Data) -> Told:
    room_id = event["roomId"]
    read = {"messageId": message_id(room_id, event["seq"]), "userId": event["userId"]}
    yield "message:read", read | {"chatId": room_id}


_ROOM: Final = {"roomId": "roomId"}
_CHAT: Final = {"roomId": "chatId"}

_CLASSIC: Final = Dialect(
    asks={
        "join_room": Ask("room:join", _ROOM),
        "send_message": Ask("message:send", _ROOM | {"content": "message"}, _with_client_id),
        "typing_start": Ask("typing:start", _ROOM),
        "typing_stop": Ask("typing:stop", _ROOM),
    },
    tells={
        "message:new": _message_received,
        "room:updated": _came_or_went,
        "room:removed": _came_or_went,
        "typing:start": _typing_indicator(is_typing=True),
        "typing:stop": _typing_indicator(is_typing=False),
        "error": _error,
    },
    hears_itself=False,
)

_CHAT_DIALECT: Final = Dialect(
    asks={
        "chat:join": Ask("room:join", _CHAT, alone="chatId"),
        "chat:leave": Ask("room:leave", _CHAT, alone="chatId"),
        "message:send": Ask(
            "message:send",
            _CHAT | {"content": "content", "messageType": "messageType"},
            _with_client_id,
        ),
        "message:read": Ask("message:read", _CHAT | {"seq": "messageId"}, _up_to_message),
        "typing:start": Ask("typing:start", _CHAT),
        "typing:stop": Ask("typing:stop", _CHAT),
    },
    tells={
        "message:new": _chat_message,
        "user:status": _chat_status,
        "typing:start": _chat_typing_start,
        "typing:stop": _chat_typing_stop,
        "receipt:read": _chat_read,
        "error": _error,
    },
    hears_itself=True,
)

DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {"classic": _CLASSIC, "chat": _CHAT_DIALECT}
)
