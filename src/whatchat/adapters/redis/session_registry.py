"""The session registry that all pods share."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from msgspec.msgpack import Decoder, Encoder

from whatchat.adapters.redis.keys import PRESENCE_SECONDS, SESSIONS_SECONDS, Keys, shard_of
from whatchat.adapters.redis.link import Argument
from whatchat.adapters.redis.presence_registry import RedisPresenceRegistry
from whatchat.adapters.redis.script import Script
from whatchat.adapters.redis.servers import Servers
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import SessionId, UserId
from whatchat.domain.ports.presence_registry import GRACE_SECONDS, PresenceRegistry
from whatchat.domain.ports.session_registry import Session

_OPEN: Final = Script("session_open")
_RENEW: Final = Script("sessions_renew")
_CLOSE: Final = Script("session_close")
_OF_USER: Final = Script("sessions_of_user")

_encoder: Final = Encoder()
_decoder: Final = Decoder(Session)


class RedisSessionRegistry:
    """Implements ``SessionRegistry``: a lease is a key that expires, by Redis' clock.

    An instance renews and closes what was opened through it; what other pods opened is
    unknown to it, but for :meth:`of_user`. A lease lasts five minutes at most.
    ``grace_seconds`` replaces what presence promises.
    """

    presence: PresenceRegistry

    def __init__(
        self, servers: Servers, keys: Keys, *, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        self._servers = servers
        self._keys = keys
        self._grace_millis = round(grace_seconds * 1000)
        self._users: dict[SessionId, UserId] = {}
        self._presence = RedisPresenceRegistry(servers, keys)
        self.presence = self._presence

    async def open(self, session: Session, *, lease_seconds: int) -> None:
        if lease_seconds > SESSIONS_SECONDS:
            raise ValueError(f"a lease lasts {SESSIONS_SECONDS} s at most")
        user_id, session_id = session.user_id, session.session_id
        keys = (
            self._keys.session(user_id, session_id),
            self._keys.sessions(user_id),
            *self._presence.keys_of(shard_of(user_id)),
        )
        self._users[session_id] = user_id
        seconds = (SESSIONS_SECONDS, PRESENCE_SECONDS)
        arguments = (_encoder.encode(session), lease_seconds, session_id, user_id, *seconds)
        try:
            is_news = await _OPEN.run(self._servers, keys, *arguments)
        except Unavailable:
            self._users.pop(session_id, None)  # whoever gives up says no more
            raise
        if is_news:
            self._presence.has_news()

    async def renew(
        self, session_ids: Sequence[SessionId], *, lease_seconds: int
    ) -> list[SessionId]:
        shares: dict[int, list[SessionId]] = defaultdict(list)
        for session_id in session_ids:
            if user_id := self._users.get(session_id):
                shares[shard_of(user_id)].append(session_id)
        replies = await asyncio.gather(
            *(self._renew(shard, share, lease_seconds) for shard, share in shares.items())
        )
        renewed = set().union(*replies)
        return [session_id for session_id in session_ids if session_id not in renewed]

    async def close(self, session_id: SessionId) -> None:
        user_id = self._users.get(session_id)
        if user_id is None:
            return
        ends, _, _, seen = self._presence.keys_of(shard_of(user_id))
        keys = (self._keys.session(user_id, session_id), self._keys.sessions(user_id), ends, seen)
        prefix = self._keys.session(user_id, SessionId(""))
        rest = (prefix, self._grace_millis, PRESENCE_SECONDS)
        await _CLOSE.run(self._servers, keys, session_id, user_id, *rest)
        self._users.pop(session_id, None)

    async def of_user(self, user_id: UserId) -> list[Session]:
        prefix = self._keys.session(user_id, SessionId(""))
        found = await _OF_USER.run(self._servers, (self._keys.sessions(user_id),), prefix)
        return [_decoder.decode(session) for session in found]

    async def _renew(
        self, shard: int, session_ids: Sequence[SessionId], lease_seconds: int
    ) -> set[SessionId]:
        """Those of one shard's sessions that live on."""
        arguments: list[Argument] = [lease_seconds, SESSIONS_SECONDS, PRESENCE_SECONDS]
        for session_id in session_ids:
            user_id = self._users[session_id]
            arguments += (
                self._keys.session(user_id, session_id),
                self._keys.sessions(user_id),
                user_id,
            )
        alive = await _RENEW.run(self._servers, self._presence.keys_of(shard), *arguments)
        return {one for one, lives in zip(session_ids, alive, strict=True) if lives}
