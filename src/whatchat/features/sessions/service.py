"""What holds for live sessions."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from whatchat.domain.actor import Actor
from whatchat.domain.errors import Forbidden, Unauthenticated
from whatchat.domain.ids import Rev, RoomId
from whatchat.domain.ports.authenticator import Authenticator
from whatchat.domain.ports.live_sessions import LiveSessions
from whatchat.domain.ports.witness import Witness
from whatchat.domain.times import Clock, timestamp, utc_now
from whatchat.features.sessions.contract import (
    RefreshSession,
    RoomHead,
    SessionReady,
    SessionRefreshed,
)

PROTOCOL: Final = 1
LISTED_ROOMS: Final = 500


class SessionService:
    """Greets sockets, and lets them outlive their first token."""

    def __init__(
        self,
        authenticator: Authenticator,
        live: LiveSessions,
        *,
        epoch: str,
        clock: Clock = utc_now,
        witness: Witness | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._live = live
        self._epoch = epoch
        self._clock = clock
        self._witness = witness

    def greet(self, actor: Actor, heads: Sequence[tuple[RoomId, Rev]]) -> SessionReady:
        """The first event for a socket; ``heads`` are its user's rooms, latest activity first."""
        if actor.session_id is None:
            raise Unauthenticated
        if self._witness is not None:
            self._witness.connected(actor)
        rooms = [RoomHead(room_id=room_id, rev=rev) for room_id, rev in heads[:LISTED_ROOMS]]
        return SessionReady(
            user_id=actor.user_id,
            device_id=actor.device_id,
            session_id=actor.session_id,
            epoch=self._epoch,
            protocol=PROTOCOL,
            features=[],
            rooms=rooms,
            rooms_more=len(heads) > LISTED_ROOMS,
            server_time=timestamp(self._clock()),
        )

    async def refresh(self, actor: Actor, command: RefreshSession) -> SessionRefreshed:
        """Extend the socket. ``Forbidden`` unless the token is of its user and device."""
        fresh = await self._authenticator.authenticate(command.token, actor.address)
        if (fresh.user_id, fresh.device_id) != (actor.user_id, actor.device_id):
            raise Forbidden
        self._live.extend(replace(fresh, session_id=actor.session_id))
        return SessionRefreshed(
            expires_in=max(0, fresh.expires_at - int(self._clock().timestamp()))
        )
