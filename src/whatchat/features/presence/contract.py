"""The commands, answers and events of presence. None of them claims any: it cannot be claimed."""

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from whatchat.domain.contract import Command, Event
from whatchat.domain.ids import UserId, UserIdField
from whatchat.domain.models import User, View
from whatchat.domain.times import Timestamp

MAX_PEOPLE = 500

People = Annotated[tuple[UserIdField, ...], Meta(max_length=MAX_PEOPLE)]
Status = Literal["online", "offline"]


class GetPresence(Command, frozen=True, kw_only=True):
    """How things stand with these people now."""

    user_ids: People


class WatchPresence(Command, frozen=True, kw_only=True):
    """The same, and ``user:status`` whenever it changes, for as long as this socket lives."""

    user_ids: People


class UnwatchPresence(Command, frozen=True, kw_only=True):
    """The same, and no more of it over this socket."""

    user_ids: People


class ListOnline(Command, frozen=True, kw_only=True):
    """Some of the people who are online, as far as the caller may see."""


class PersonStatus(View, frozen=True, kw_only=True):
    """How things stand with a person; whoever may not see it is told what the unknown are."""

    user_id: UserId
    status: Status = "offline"
    last_seen: Timestamp | UnsetType = UNSET


class PeopleStatus(View, frozen=True, kw_only=True):
    """Those who were asked about, in that order, each once."""

    users: list[PersonStatus]


class OnlinePeople(View, frozen=True, kw_only=True):
    """People who are online, 100 at most."""

    users: list[User]


class StatusChanged(Event, frozen=True, kw_only=True):
    """Somebody came or went, or may no longer be seen."""

    name: ClassVar[str] = "user:status"
    user_id: UserId
    status: Status
    last_seen: Timestamp | UnsetType = UNSET


def changed(status: PersonStatus) -> StatusChanged:
    """The event that tells a status."""
    return StatusChanged(user_id=status.user_id, status=status.status, last_seen=status.last_seen)
