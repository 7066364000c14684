"""Who may see and change what: rules that several features share."""

from whatchat.domain.errors import ChatError, Forbidden, NotFound
from whatchat.domain.ids import UserId
from whatchat.domain.room_state import Member, RoomRecord, RoomState


def not_a_member(record: RoomRecord | None) -> ChatError:
    """What somebody outside the room is told: a private room does not exist for them."""
    if record is None or not is_public(record):
        return NotFound("no such room", field="roomId")
    return Forbidden("join the room first", field="roomId")


def is_public(record: RoomRecord) -> bool:
    """Whether anybody may find and join the room."""
    return record.rev > 0 and record.kind == "group" and not record.settings.is_private


def require_member(state: RoomState, user_id: UserId) -> Member:
    """The user's place in the room; raises what :func:`not_a_member` says without one.

    A room that is concealed from its member does not exist for that member.
    """
    member = state.members.get(user_id)
    if member is None or member.concealed:
        raise not_a_member(state.record)
    return member


def require_admin(state: RoomState, user_id: UserId) -> Member:
    """The user's place in the room if it is an admin's; else ``Forbidden``."""
    member = require_member(state, user_id)
    if member.role != "admin":
        raise Forbidden("only admins may do that")
    return member
