"""Who is online, by the sessions that all pods share."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from whatchat.adapters.redis.keys import PRESENCE_SECONDS, SHARDS, Keys, PresencePart, shard_of
from whatchat.adapters.redis.link import Reply
from whatchat.adapters.redis.script import Script
from whatchat.adapters.redis.servers import Request, Servers
from whatchat.domain.batches import batches
from whatchat.domain.ids import UserId
from whatchat.domain.ports.presence_registry import Standing, StandingChange
from whatchat.domain.times import from_millis

_CHANGES: Final = Script("presence_changes")
_TOLD: Final = Script("presence_told")
_STANDINGS: Final = Script("presence_standings")

PARTS: Final[Sequence[PresencePart]] = ("ends", "shown", "news", "seen")
AT_ONCE: Final = 1_000
"""So many people at most are one script's matter."""


class RedisPresenceRegistry:
    """Implements ``PresenceRegistry``, by Redis' clock; the session registry's scripts feed it.

    What people were told lies beside what is so: a change is where the two differ. So one
    that was claimed and never told, as its pod died, is found again.
    """

    def __init__(self, servers: Servers, keys: Keys) -> None:
        self._servers = servers
        self._keys = keys
        self._notify: list[Callable[[], None]] = []

    def when_changed(self, notify: Callable[[], None]) -> None:
        self._notify.append(notify)

    def has_news(self) -> None:
        """Tell whoever wants to know."""
        for notify in self._notify:
            notify()

    def keys_of(self, shard: int) -> tuple[bytes, ...]:
        """All that is known of a shard's people."""
        return tuple(self._keys.presence(shard, part) for part in PARTS)

    async def changes(self, *, limit: int, claim_seconds: int) -> Sequence[StandingChange]:
        arguments = (-(-limit // SHARDS), claim_seconds * 1000, PRESENCE_SECONDS)
        found: list[Reply] = await _all(
            _CHANGES.run(self._servers, self.keys_of(shard), *arguments) for shard in range(SHARDS)
        )
        return [
            StandingChange(
                user_id=UserId(user.decode()),
                standing=Standing(online=bool(online), last_seen=None if online else _moment(seen)),
            )
            for reply in found
            for user, online, seen in zip(reply[::3], reply[1::3], reply[2::3], strict=True)
        ]

    async def told(self, changes: Collection[StandingChange]) -> None:
        told = {change.user_id: int(change.standing.online) for change in changes}
        await _all(
            _TOLD.run(
                self._servers,
                self.keys_of(shard),
                PRESENCE_SECONDS,
                *[argument for user_id in users for argument in (user_id, told[user_id])],
            )
            for shard, users in _sharded(told)
        )

    async def standings(self, user_ids: Sequence[UserId]) -> Mapping[UserId, Standing]:
        shares = list(_sharded(dict.fromkeys(user_ids)))
        replies = await _all(
            _STANDINGS.run(self._servers, self._ends_and_seen(shard), *users)
            for shard, users in shares
        )
        return {
            user_id: Standing(online=seen < 0, last_seen=_moment(seen))
            for (_, users), reply in zip(shares, replies, strict=True)
            for user_id, seen in zip(users, reply, strict=True)
        }

    async def some_online(self, limit: int) -> Sequence[UserId]:
        count = -(-limit // SHARDS)
        ends = [self._keys.presence(shard, "ends") for shard in range(SHARDS)]
        found = await self._servers.run([Request(key, ("ZRANDMEMBER", key, count)) for key in ends])
        return [UserId(user.decode()) for users in found for user in users]

    def _ends_and_seen(self, shard: int) -> tuple[bytes, bytes]:
        return self._keys.presence(shard, "ends"), self._keys.presence(shard, "seen")


def _sharded(user_ids: Iterable[UserId]) -> Iterable[tuple[int, Sequence[UserId]]]:
    shares: dict[int, list[UserId]] = defaultdict(list)
    for user_id in user_ids:
        shares[shard_of(user_id)].append(user_id)
    for shard, users in shares.items():
        for some in batches(users, AT_ONCE):
            yield shard, some


async def _all(work: Iterable[Awaitable[Reply]]) -> list[Reply]:
    """Everything at once: what one turn of the loop asks for leaves in one write."""
    return await asyncio.gather(*work)


def _moment(millis: int) -> datetime | None:
    return from_millis(millis) if millis > 0 else None
