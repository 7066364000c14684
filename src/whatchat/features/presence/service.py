"""What may be asked about who is online."""

from typing import Final

from whatchat.domain.actor import Actor
from whatchat.domain.errors import Invalid
from whatchat.domain.ids import SessionId
from whatchat.domain.ports.presence_registry import PresenceRegistry
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.features.presence.contract import (
    GetPresence,
    ListOnline,
    OnlinePeople,
    PeopleStatus,
    UnwatchPresence,
    WatchPresence,
)
from whatchat.features.presence.sight import Sight
from whatchat.features.presence.statuses import Statuses
from whatchat.features.presence.watchers import Watchers

LISTED: Final = 100
LOOKED_AT: Final = 1_600
"""So many of those who are online are looked at for some whom everybody may see."""


class PresenceService:
    """Answers as far as the caller may see, from leases alone: nobody can say who is online.

    Raises ``Unavailable`` while the registry or the store is away.
    """

    def __init__(
        self,
        sight: Sight,
        statuses: Statuses,
        watchers: Watchers,
        registry: PresenceRegistry,
        directory: UserDirectory,
    ) -> None:
        self._sight = sight
        self._statuses = statuses
        self._watchers = watchers
        self._registry = registry
        self._directory = directory

    async def get(self, actor: Actor, command: GetPresence) -> PeopleStatus:
        """How things stand with these people."""
        return PeopleStatus(users=await self._statuses.of(actor.user_id, command.user_ids))

    async def watch(self, actor: Actor, command: WatchPresence) -> PeopleStatus:
        """The same, and tell this socket of changes. ``Invalid`` if it watches too many."""
        users = await self._watchers.watch(_socket(actor), actor.user_id, command.user_ids)
        return PeopleStatus(users=users)

    async def unwatch(self, actor: Actor, command: UnwatchPresence) -> PeopleStatus:
        """The same, and tell this socket no more; harmless for whom it does not watch."""
        self._watchers.unwatch(_socket(actor), command.user_ids)
        return PeopleStatus(users=await self._statuses.of(actor.user_id, command.user_ids))

    async def online(self, actor: Actor, _command: ListOnline) -> OnlinePeople:
        """The caller's peers in direct rooms first, then others who show themselves to all."""
        known = dict.fromkeys(one.user_id for one in await self._sight.peers(actor.user_id))
        standings = await self._registry.standings(list(known))
        found = [user_id for user_id in known if standings[user_id].online]
        found += [one for one in await self._registry.some_online(LOOKED_AT) if one not in known]
        visible = await self._sight.visible(actor.user_id, found) - {actor.user_id}
        listed = [user_id for user_id in found if user_id in visible][:LISTED]
        users = await self._directory.users(listed)
        return OnlinePeople(users=[users[user_id] for user_id in listed if user_id in users])


def _socket(actor: Actor) -> SessionId:
    if actor.session_id is None:
        raise Invalid("only a socket can watch")
    return actor.session_id
