"""How entries and messages lie in the collection ``log``.

An entry is one document. A message's also holds its current state: ``seq``, ``message`` with
what can change, and the ``words`` by which it is found. An entry that has yet to be projected
says onto what in ``pending`` and ``projection``, and whose places in the room it changes in
``concerned``; once it is, only ``projection`` is left, as :data:`DONE`. One that changes the
room rather than a message has the time at which the store took it in ``room_changed_at`` as well.
A message that nobody has unread is ``uncounted``; one that has yet to be erased at a moment has
it in ``expiring_at``, and one whose content is to go once it is delivered is ``undelivered``.

One that its sender alone sees has none of what others find messages by, so that theirs cost the
same however many there are of it. Instead of ``seq`` it has ``hidden_in``, the room and the sender
in one; instead of ``words`` it has ``hidden_words``; the revs in ``message`` lie in
``message.hidden``, and ``hidden_rev`` is that of the latest change that the sender sees.
"""

from collections.abc import Sequence
from typing import Final, Literal

from bson import Timestamp
from msgspec import convert, to_builtins
from msgspec.structs import replace

from whatchat.adapters.mongo.collections import Document
from whatchat.domain.ids import Rev, RoomId, UserId
from whatchat.domain.log import (
    AnyChange,
    Entry,
    MemberRemoved,
    MembersAdded,
    MessageEdited,
    MessagePosted,
    RoleChanged,
    RoomCreated,
    target_of,
)
from whatchat.domain.message_state import HiddenChange, MessageState, ReactionMark, Veil, is_counted
from whatchat.domain.words import words_of

Pending = Literal["message", "room"]
KINDS: Final[Sequence[Pending]] = ("room", "message")

DONE: Final = "done"

# The server puts its own time in place of an empty one.
_STORE_TIME: Final = Timestamp(0, 0)

WITHOUT_STATE: Final = {"message": 0, "concerned": 0, "words": 0, "hidden_words": 0}


def entry_id(room_id: RoomId, rev: int) -> str:
    """The ``_id`` of a room's entry."""
    return f"{room_id}:{rev}"


def hidden_in(room_id: RoomId, sender_id: UserId) -> str:
    """What the messages in a room that their sender alone sees are found by."""
    return f"{room_id}:{sender_id}"


def entry_document(entry: Entry) -> Document:
    """A new entry; one that is not a message still has to be projected."""
    change = entry.change
    document: Document = {
        "_id": entry_id(entry.room_id, entry.rev),
        "room_id": entry.room_id,
        "rev": entry.rev,
        "actor_id": entry.actor_id,
        "client_id": entry.client_id,
        "digest": entry.digest,
        "at": entry.at,
        "stored_at": _STORE_TIME,
        "pod": entry.pod,
    }
    if isinstance(change, MessagePosted):
        return document | _message(entry, change)
    document["change"] = to_builtins(change)
    document["pending"] = document["projection"] = pending_of(change)
    if document["pending"] == "room":
        document["room_changed_at"] = _STORE_TIME
    if target := target_of(change):
        document["target"] = target
    if concerned := _concerned(change):
        document["concerned"] = concerned
    return document


def _message(entry: Entry, change: MessagePosted) -> Document:
    """What the document of a message has besides."""
    message: Document = {"content": change.content, "content_rev": entry.rev}
    document: Document = {"change": to_builtins(replace(change, content="")), "message": message}
    if change.hidden:
        document["hidden_in"] = hidden_in(entry.room_id, entry.actor_id)
        document["hidden_rev"] = entry.rev
        message["hidden"] = {"rev": entry.rev}
    else:
        document["seq"] = message["rev"] = entry.rev
        if not is_counted(change):
            document["uncounted"] = True
    if change.expires_at is not None:
        document["expires_at"] = document["expiring_at"] = change.expires_at
    if change.deliver_only:
        document["undelivered"] = True
    if change.message_type != "system" and (words := words_of(change.content)):
        document["hidden_words" if change.hidden else "words"] = words
    return document


def pending_of(change: AnyChange) -> Pending | None:
    """What a change has to be projected onto; a message stands in its own entry from the start."""
    if isinstance(change, MessagePosted):
        return None
    return "room" if target_of(change) is None else "message"


def _concerned(change: AnyChange) -> Sequence[UserId]:
    match change:
        case RoomCreated(members=user_ids) | MembersAdded(user_ids=user_ids):
            return user_ids
        case MemberRemoved(user_id=user_id) | RoleChanged(user_id=user_id):
            return (user_id,)
        case _:
            return ()


def entry_of(document: Document) -> Entry:
    """The entry in a document, with the body of an edit that is still pending."""
    return Entry(
        room_id=document["room_id"],
        rev=document["rev"],
        actor_id=document["actor_id"],
        client_id=document["client_id"],
        digest=document["digest"],
        at=document["at"],
        pod=document["pod"],
        change=convert(document["change"], AnyChange),
    )


def shown_entry_of(document: Document) -> Entry:
    """The entry as the port shows it: without what people wrote."""
    entry = entry_of(document)
    if isinstance(entry.change, MessageEdited) and entry.change.content:
        return replace(entry, change=replace(entry.change, content=""))
    return entry


def state_of(document: Document) -> MessageState:
    """The message in its entry's document."""
    message = document["message"]
    revs = message.get("hidden", message)
    return MessageState(
        room_id=document["room_id"],
        seq=document["rev"],
        rev=revs["rev"],
        sender_id=document["actor_id"],
        client_id=document["client_id"],
        message_type=document["change"]["message_type"],
        content=message["content"],
        content_rev=Rev(message["content_rev"]),
        created_at=document["at"],
        reply_to=document["change"]["reply_to"],
        edited_at=message.get("edited_at"),
        deleted_at=message.get("deleted_at"),
        reactions=_reactions(message),
        hidden=document["change"].get("hidden", False),
        veil=convert(message["veil"], Veil) if "veil" in message else None,
        open_rev=revs.get("open_rev"),
        hidden_changes=_hidden_changes(message),
        expires_at=document.get("expires_at"),
        erased_at=message.get("erased_at"),
    )


def _hidden_changes(message: Document) -> tuple[HiddenChange, ...]:
    found = convert(message.get("hidden_changes", ()), list[HiddenChange])
    return tuple(sorted(found, key=lambda one: one.user_id))


def _reactions(message: Document) -> tuple[ReactionMark, ...]:
    marks = message.get("reactions")
    if not marks:
        return ()
    return tuple(sorted(convert(marks, list[ReactionMark]), key=lambda mark: mark.rev))
