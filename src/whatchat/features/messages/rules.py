"""What may be done to messages: pure rules on the room as it is."""

from whatchat.domain.access import require_member
from whatchat.domain.errors import Conflict, Forbidden, NotFound
from whatchat.domain.ids import Seq, UserId
from whatchat.domain.log import (
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    ReactionChanged,
)
from whatchat.domain.message_state import MessageState
from whatchat.domain.models import MessageType
from whatchat.domain.ports.room_log import Rule
from whatchat.domain.room_state import RoomState

MAX_REACTIONS_EACH = 20
"""How many different emojis one person may put on one message."""


def posting(
    actor_id: UserId, content: str, message_type: MessageType, reply_to: Seq | None
) -> Rule:
    """Members post; what they reply to must be readable to them in the same room."""

    def rule(state: RoomState) -> MessagePosted:
        require_member(state, actor_id)
        if reply_to is not None:
            readable(state, actor_id, reply_to, field="replyTo")
        return MessagePosted(message_type=message_type, content=content, reply_to=reply_to)

    return rule


def editing(actor_id: UserId, seq: Seq, content: str) -> Rule:
    """The sender alone edits, and neither what is deleted nor what the system said."""

    def rule(state: RoomState) -> MessageEdited | None:
        message = _present(state, actor_id, seq)
        if message.sender_id != actor_id or message.message_type == "system":
            raise Forbidden("only the sender may edit a message", field="messageId")
        return None if message.content == content else MessageEdited(seq=seq, content=content)

    return rule


def deleting(actor_id: UserId, seq: Seq) -> Rule:
    """The sender and the room's admins delete; what the system said, they alone; once is enough."""

    def rule(state: RoomState) -> MessageDeleted | None:
        message = readable(state, actor_id, seq)
        is_own = message.sender_id == actor_id and message.message_type != "system"
        if not is_own and state.members[actor_id].role != "admin":
            raise Forbidden("only the sender or an admin may delete a message", field="messageId")
        return None if message.deleted_at else MessageDeleted(seq=seq)

    return rule


def reacting(actor_id: UserId, seq: Seq, emoji: str, *, present: bool) -> Rule:
    """Members react to what they can read; what is so already stays so."""

    def rule(state: RoomState) -> ReactionChanged | None:
        message = _present(state, actor_id, seq)
        own = {one.emoji for one in message.reactions if one.user_id == actor_id and one.present}
        if (emoji in own) == present:
            return None
        if present and len(own) >= MAX_REACTIONS_EACH:
            raise Conflict("too many reactions to one message", field="emoji")
        return ReactionChanged(seq=seq, emoji=emoji, present=present)

    return rule


def readable(
    state: RoomState, actor_id: UserId, seq: Seq, *, field: str = "messageId"
) -> MessageState:
    """The message, if the actor may read it; one from before its time does not exist for it."""
    member = require_member(state, actor_id)
    message = state.messages.get(seq)
    if message is None or seq < state.record.readable_from(member):
        raise NotFound("no such message", field=field)
    return message


def _present(state: RoomState, actor_id: UserId, seq: Seq) -> MessageState:
    message = readable(state, actor_id, seq)
    if message.deleted_at:
        raise NotFound("the message is deleted", field="messageId")
    return message
