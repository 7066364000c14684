"""What a group's history says about changes of the group: a message of type ``system``."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from whatchat.domain.ids import ClientId, UserId, derived_client_id
from whatchat.domain.log import (
    AnyChange,
    MemberRemoved,
    MembersAdded,
    MessagePosted,
    RoleChanged,
    RoomUpdated,
)
from whatchat.domain.models import RoomSettings, User
from whatchat.domain.ports.room_log import Proposal, Rule
from whatchat.domain.room_state import RoomState
from whatchat.domain.showing import unknown_user

MAX_NAMED: Final = 10
"""So many people are named who came in together; of the others it is said how many they are."""


def noted(proposal: Proposal, users: Mapping[UserId, User]) -> tuple[Proposal, Proposal]:
    """The proposal, and the note of what it changed, to be made right behind it.

    The note is made only if the change was, and once, however often the command is tried.
    Of direct rooms there is none. Whoever asked for the change hears of the note like all
    others. Should the store fail between the two, the change stands without it.
    """
    made = _Made(proposal.rule)

    def rule(state: RoomState) -> MessagePosted | None:
        if made.change is None or state.record.kind == "direct":
            return None
        said = sentence(proposal.actor.user_id, made.change, users, made.before)
        return MessagePosted(message_type="system", content=said)

    note = Proposal(
        actor=replace(proposal.actor, session_id=None),
        client_id=_behind(proposal.client_id),
        body=b"note",
        rule=rule,
    )
    return replace(proposal, rule=made), note


class _Made:
    """A rule that remembers what it said last: that is what came of it."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self.change: AnyChange | None = None
        self.before = RoomSettings()

    def __call__(self, state: RoomState) -> AnyChange | None:
        self.change, self.before = None, state.record.settings
        self.change = self._rule(state)
        return self.change


def sentence(
    actor_id: UserId, change: AnyChange, users: Mapping[UserId, User], before: RoomSettings
) -> str:
    """A change in plain English; ``before`` is how the room behaved until then."""

    def name(user_id: UserId) -> str:
        return (users.get(user_id) or unknown_user(user_id)).display_name

    actor = name(actor_id)
    match change:
        case MembersAdded(user_ids=user_ids) if user_ids == (actor_id,):
            return f"{actor} joined"
        case MembersAdded(user_ids=user_ids):
            return f"{actor} added {_people([name(one) for one in user_ids[:MAX_NAMED]], user_ids)}"
        case MemberRemoved(user_id=user_id) if user_id == actor_id:
            return f"{actor} left"
        case MemberRemoved(user_id=user_id):
            return f"{actor} removed {name(user_id)}"
        case RoleChanged(user_id=user_id, role="admin"):
            return f"{actor} made {name(user_id)} an admin"
        case RoleChanged(user_id=user_id) if user_id == actor_id:
            return f"{actor} stepped down as an admin"
        case RoleChanged(user_id=user_id):
            return f"{actor} dismissed {name(user_id)} as an admin"
        case RoomUpdated():
            return f"{actor} {_listed(_deeds(change, before))}"
        case _:
            raise AssertionError(f"{type(change).__name__} has no note")


def _deeds(change: RoomUpdated, before: RoomSettings) -> Sequence[str]:
    deeds = [] if change.name is None else [f"changed the name to “{change.name}”"]
    if change.description is not None:
        deeds.append("changed the description")
    if change.settings is not None:
        deeds += _reconfigured(before, change.settings)
    return deeds


def _reconfigured(before: RoomSettings, after: RoomSettings) -> Sequence[str]:
    """What matters most to everybody is named."""
    deeds = []
    if after.is_private != before.is_private:
        deeds.append("made the group private" if after.is_private else "made the group public")
    if after.disappear_after_seconds != before.disappear_after_seconds:
        deeds.append(_lasting(after.disappear_after_seconds))
    named = {"is_private", "disappear_after_seconds"}
    rest = set(after.__struct_fields__) - named
    if any(getattr(before, field) != getattr(after, field) for field in rest):
        deeds.append("changed the settings")
    return deeds


def _lasting(seconds: int | UnsetType) -> str:
    if seconds is UNSET:
        return "turned disappearing messages off"
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds % length == 0:
            count = seconds // length
            return f"set messages to disappear after {count} {unit}{'s' * (count > 1)}"
    raise AssertionError(seconds)


def _people(named: Sequence[str], everybody: Sequence[UserId]) -> str:
    others = len(everybody) - len(named)
    if not others:
        return _listed(named)
    return _listed([*named, f"{others} other{'s' * (others > 1)}"])


def _listed(words: Sequence[str]) -> str:
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _behind(client_id: ClientId) -> ClientId:
    return derived_client_id("note", client_id)
