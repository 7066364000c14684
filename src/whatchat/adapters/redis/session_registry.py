"""The session registry that all pods share."""

from collections.abc import Sequence
from typing import Final

from msgspec.msgpack import Decoder, Encoder

from whatchat.adapters.redis.keys import SESSIONS_SECONDS, Keys
from whatchat.adapters.redis.script import Script
from whatchat.adapters.redis.servers import Request, Servers
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import SessionId, UserId
from whatchat.domain.ports.session_registry import Session

_OF_USER: Final = Script("sessions_of_user")

_encoder: Final = Encoder()
_decoder: Final = Decoder(Session)


class RedisSessionRegistry:
    """Implements ``SessionRegistry``: a lease is a key that expires, by Redis' clock.

    An instance renews and closes what was opened through it; what other pods opened is
    unknown to it, but for :meth:`of_user`. A lease lasts five minutes at most.
    """

    def __init__(self, servers: Servers, keys: Keys) -> None:
        self._servers = servers
        self._keys = keys
        self._users: dict[SessionId, UserId] = {}

    async def open(self, session: Session, *, lease_seconds: int) -> None:
        if lease_seconds > SESSIONS_SECONDS:
            raise ValueError(f"a lease lasts {SESSIONS_SECONDS} s at most")
        user_id, session_id = session.user_id, session.session_id
        key, index = self._keys.session(user_id, session_id), self._keys.sessions(user_id)
        self._users[session_id] = user_id
        requests = [
            Request(key, ("SET", key, _encoder.encode(session), "EX", lease_seconds)),
            Request(index, ("SADD", index, session_id)),
            Request(index, ("EXPIRE", index, SESSIONS_SECONDS)),
        ]
        try:
            await self._servers.run(requests)
        except Unavailable:
            self._users.pop(session_id, None)  # whoever gives up says no more
            raise

    async def renew(
        self, session_ids: Sequence[SessionId], *, lease_seconds: int
    ) -> list[SessionId]:
        known = [session_id for session_id in session_ids if session_id in self._users]
        requests = []
        for session_id in known:
            user_id = self._users[session_id]
            key, index = self._keys.session(user_id, session_id), self._keys.sessions(user_id)
            requests.append(Request(key, ("EXPIRE", key, lease_seconds)))
            requests.append(Request(index, ("EXPIRE", index, SESSIONS_SECONDS)))
        replies = await self._servers.run(requests) if requests else []
        renewed = {
            session_id for session_id, alive in zip(known, replies[::2], strict=True) if alive
        }
        return [session_id for session_id in session_ids if session_id not in renewed]

    async def close(self, session_id: SessionId) -> None:
        user_id = self._users.get(session_id)
        if user_id is None:
            return
        key, index = self._keys.session(user_id, session_id), self._keys.sessions(user_id)
        await self._servers.run(
            [Request(key, ("DEL", key)), Request(index, ("SREM", index, session_id))]
        )
        self._users.pop(session_id, None)

    async def of_user(self, user_id: UserId) -> list[Session]:
        prefix = self._keys.session(user_id, SessionId(""))
        found = await _OF_USER.run(self._servers, (self._keys.sessions(user_id),), prefix)
        return [_decoder.decode(session) for session in found]
