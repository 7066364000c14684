"""How things stand with people, as one person may know it."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import UNSET

from whatchat.domain.ids import UserId
from whatchat.domain.ports.presence_registry import PresenceRegistry
from whatchat.domain.ports.seen_store import SeenStore
from whatchat.domain.times import timestamp
from whatchat.features.presence.contract import PersonStatus
from whatchat.features.presence.sight import Sight


class Statuses:
    """Looks statuses up; who may not be seen is like whoever does not exist.

    Raises ``Unavailable`` when the registry or the store is.
    """

    def __init__(self, sight: Sight, registry: PresenceRegistry, seen: SeenStore) -> None:
        self._sight = sight
        self._registry = registry
        self._seen = seen

    async def of(self, viewer_id: UserId, user_ids: Sequence[UserId]) -> list[PersonStatus]:
        """The status of each, in order and each once, as the viewer may see it."""
        wanted = list(dict.fromkeys(user_ids))
        visible = await self._sight.visible(viewer_id, wanted)
        standings = await self._registry.standings(list(visible))
        away = [user_id for user_id in visible if not standings[user_id].online]
        seen = dict(await self._seen.of(away)) if away else {}
        for user_id in away:
            if latest := standings[user_id].last_seen:
                seen[user_id] = max(latest, seen.get(user_id, latest))
        return [
            status(
                user_id,
                online=user_id in visible and standings[user_id].online,
                last_seen=seen.get(user_id),
            )
            for user_id in wanted
        ]


def status(
    user_id: UserId, *, online: bool = False, last_seen: datetime | None = None
) -> PersonStatus:
    """A status as the wire has it."""
    return PersonStatus(
        user_id=user_id,
        status="online" if online else "offline",
        last_seen=UNSET if last_seen is None or online else timestamp(last_seen),
    )
