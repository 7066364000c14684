"""What may be done to rooms and their people: pure rules on the room as it is."""

from collections.abc import Collection, Iterable

from msgspec import UNSET

from whatchat.domain.access import is_public, require_admin, require_member
from whatchat.domain.errors import Conflict, Forbidden, NotFound
from whatchat.domain.ids import UserId
from whatchat.domain.log import (
    MemberRemoved,
    MembersAdded,
    RoleChanged,
    RoomCreated,
    RoomUpdated,
)
from whatchat.domain.models import Role
from whatchat.domain.ports.room_log import Rule
from whatchat.domain.room_state import Member, RoomState
from whatchat.features.rooms.contract import SettingsPatch
from whatchat.features.rooms.settings import patched

MAX_ADMINS = 100
"""All of them are listed with the room, whatever its size."""


def creating_group(change: RoomCreated, barred: Collection[UserId]) -> Rule:
    """A group's id stems from its creator's ``clientId``: there can only be a retry of it.

    None of the ``barred`` comes in.
    """

    def rule(state: RoomState) -> RoomCreated:
        if state.exists:
            raise Conflict("the clientId was used with another body", field="clientId")
        _require_addable(change.members, barred, "participants")
        return change

    return rule


def creating_direct(change: RoomCreated) -> Rule:
    """A pair's room is made once; whoever comes second finds it there."""

    def rule(state: RoomState) -> RoomCreated | None:
        return None if state.exists else change

    return rule


def updating(
    actor_id: UserId, name: str | None, description: str | None, patch: SettingsPatch | None
) -> Rule:
    """Admins rename, describe and reconfigure; what is so already stays so.

    In a direct room both people decide how long messages last; the rest stays as it is.
    """
    is_about_messages = name is description is None and patch is not None
    is_about_messages &= patch is None or patch.is_private is patch.max_participants is UNSET

    def rule(state: RoomState) -> RoomUpdated | None:
        if is_about_messages and state.record.kind == "direct":
            require_member(state, actor_id)
        else:
            require_admin(_group(state, actor_id), actor_id)
        record = state.record
        settings = patched(record.settings, patch) if patch else record.settings
        if len(state.members) > settings.max_participants:
            raise Conflict(
                "more people are in the room",
                field="settings.maxParticipants",
                reason="too_many_people",
            )
        change = RoomUpdated(
            name=None if name == record.name else name,
            description=None if description == record.description else description,
            settings=None if settings == record.settings else settings,
        )
        return None if change == RoomUpdated() else change

    return rule


def adding(actor_id: UserId, user_ids: Iterable[UserId], barred: Collection[UserId] = ()) -> Rule:
    """Admins bring people in, up to ``maxParticipants``; of the ``barred``, those who are in."""

    def rule(state: RoomState) -> MembersAdded | None:
        require_admin(_group(state, actor_id), actor_id)
        change = _added(state, user_ids)
        _require_addable(change.user_ids if change else (), barred, "userIds")
        return change

    return rule


def joining(actor_id: UserId) -> Rule:
    """Anybody comes into a public room, up to ``maxParticipants``."""

    def rule(state: RoomState) -> MembersAdded | None:
        if not is_public(state.record):
            require_member(state, actor_id)
        return _added(state, (actor_id,))

    return rule


def leaving(actor_id: UserId) -> Rule:
    """Members leave groups; the last admin does not."""

    def rule(state: RoomState) -> MemberRemoved:
        member = require_member(_group(state, actor_id), actor_id)
        _require_successor(state, member)
        return MemberRemoved(user_id=actor_id)

    return rule


def removing(actor_id: UserId, user_id: UserId) -> Rule:
    """Admins put others out."""

    def rule(state: RoomState) -> MemberRemoved:
        require_admin(_group(state, actor_id), actor_id)
        return MemberRemoved(user_id=_member(state, user_id).user_id)

    return rule


def giving_role(actor_id: UserId, user_id: UserId, role: Role) -> Rule:
    """Admins make admins and unmake them; one always remains."""

    def rule(state: RoomState) -> RoleChanged | None:
        require_admin(_group(state, actor_id), actor_id)
        member = _member(state, user_id)
        if member.role == role:
            return None
        if role == "admin" and len(state.admins()) >= MAX_ADMINS:
            raise Conflict("the room has too many admins", reason="too_many_admins")
        _require_successor(state, member)
        return RoleChanged(user_id=user_id, role=role)

    return rule


def _group(state: RoomState, actor_id: UserId) -> RoomState:
    require_member(state, actor_id)
    if state.record.kind == "direct":
        raise Forbidden("a direct room stays as it is", field="roomId")
    return state


def _member(state: RoomState, user_id: UserId) -> Member:
    member = state.members.get(user_id)
    if member is None:
        raise NotFound("not a member of this room", field="userId")
    return member


def _added(state: RoomState, user_ids: Iterable[UserId]) -> MembersAdded | None:
    new = tuple(user_id for user_id in dict.fromkeys(user_ids) if user_id not in state.members)
    if new and len(state.members) + len(new) > state.record.settings.max_participants:
        raise Conflict("the room is full", reason="room_full")
    return MembersAdded(user_ids=new) if new else None


def _require_addable(user_ids: Iterable[UserId], barred: Collection[UserId], field: str) -> None:
    """Says no more than that somebody cannot be added: whom, and why, is nobody's business."""
    if any(user_id in barred for user_id in user_ids):
        raise Forbidden("somebody among these people cannot be added", field=field)


def _require_successor(state: RoomState, member: Member) -> None:
    if member.role == "admin" and len(state.admins()) == 1:
        raise Conflict("the last admin must appoint another first", reason="last_admin")
