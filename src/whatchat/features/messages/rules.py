"""What may be done to messages: pure rules on the room as it is.

``blocked_by`` is who has blocked the actor. In a direct room with one of them a change is
made like any other, hidden from them for ever.
"""

from whatchat.domain.access import require_member
from whatchat.domain.errors import Conflict, Forbidden, NotFound
from whatchat.domain.ids import Seq, UserId
from whatchat.domain.log import (
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionChanged,
)
from whatchat.domain.message_state import MessageState, seen_by
from whatchat.domain.models import MessageType
from whatchat.domain.ports.room_log import Rule
from whatchat.domain.room_state import RoomState

MAX_REACTIONS_EACH = 20
"""How many different emojis one person may put on one message."""


def posting(
    actor_id: UserId,
    content: str,
    message_type: MessageType,
    reply_to: Seq | None,
    blocked_by: frozenset[UserId],
) -> Rule:
    """Members post; what they reply to must be readable to them in the same room.

    What replies to a hidden message is as hidden.
    """

    def rule(state: RoomState) -> MessagePosted:
        require_member(state, actor_id)
        hidden = _is_unheard(state, blocked_by)
        if reply_to is not None:
            hidden |= readable(state, actor_id, reply_to, field="replyTo").hidden
        return MessagePosted(
            message_type=message_type, content=content, reply_to=reply_to, hidden=hidden
        )

    return rule


def editing(actor_id: UserId, seq: Seq, content: str, blocked_by: frozenset[UserId]) -> Rule:
    """The sender alone edits, and neither what is deleted nor what the system said."""

    def rule(state: RoomState) -> MessageEdited | None:
        message = _present(state, actor_id, seq)
        if message.sender_id != actor_id or message.message_type == "system":
            raise Forbidden("only the sender may edit a message", field="messageId")
        if message.content == content:
            return None
        hidden = message.hidden or _is_unheard(state, blocked_by)
        return MessageEdited(seq=seq, content=content, hidden=hidden)

    return rule


def deleting(actor_id: UserId, seq: Seq) -> Rule:
    """The sender and the room's admins delete; what the system said, they alone; once is enough."""

    def rule(state: RoomState) -> MessageDeleted | None:
        message = readable(state, actor_id, seq)
        if not is_own(message, actor_id) and state.members[actor_id].role != "admin":
            raise Forbidden("only the sender or an admin may delete a message", field="messageId")
        return None if message.deleted_at else MessageDeleted(seq=seq)

    return rule


def reacting(
    actor_id: UserId, seq: Seq, emoji: str, blocked_by: frozenset[UserId], *, present: bool
) -> Rule:
    """Members react to what they can read; what is so already stays so.

    Taking a reaction back is hidden from whom the reaction was hidden, and from nobody else.
    """

    def rule(state: RoomState) -> ReactionChanged | None:
        message = _present(state, actor_id, seq)
        marks = (one for one in message.reactions if one.user_id == actor_id and one.present)
        own = {one.emoji: one for one in marks}
        if (emoji in own) == present:
            return None
        if present and len(own) >= MAX_REACTIONS_EACH:
            raise Conflict("too many reactions to one message", field="emoji")
        hidden = _is_unheard(state, blocked_by) if present else own[emoji].hidden
        return ReactionChanged(
            seq=seq, emoji=emoji, present=present, hidden=hidden or message.hidden
        )

    return rule


def readable(
    state: RoomState, actor_id: UserId, seq: Seq, *, field: str = "messageId"
) -> MessageState:
    """The message, if the actor may read it.

    One from before the actor's time, or hidden from the actor, does not exist for it.
    """
    member = require_member(state, actor_id)
    message = state.messages.get(seq)
    if message is None or seq < state.record.readable_from(member):
        raise NotFound("no such message", field=field)
    if seen_by(message, actor_id) is None:
        raise NotFound("no such message", field=field)
    return message


def is_own(message: MessageState, user_id: UserId) -> bool:
    """Whether the user wrote it; what the system said is nobody's."""
    return message.sender_id == user_id and message.message_type != "system"


def _is_unheard(state: RoomState, blocked_by: frozenset[UserId]) -> bool:
    """Whether the other person of a direct room is one of these."""
    return state.record.kind == "direct" and not blocked_by.isdisjoint(state.members)


def _present(state: RoomState, actor_id: UserId, seq: Seq) -> MessageState:
    message = readable(state, actor_id, seq)
    if message.deleted_at:
        raise NotFound("the message is deleted", field="messageId")
    return message
