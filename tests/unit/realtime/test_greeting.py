"""What a session is greeted with."""

import pytest
from msgspec.structs import replace

from tests.unit.realtime.parts import actor
from whatchat.domain.actor import Actor
from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import Rev, RoomId
from whatchat.features.sessions.service import LISTED_ROOMS, SessionService
from whatchat.realtime.lifetimes import Lifetimes


class Nobody:
    """An authenticator that knows nobody."""

    async def authenticate(self, token: str, address: str) -> Actor:
        raise Unauthenticated

    def when_revoked(self, notify: object) -> None:
        raise NotImplementedError


def service() -> SessionService:
    return SessionService(Nobody(), Lifetimes(), epoch="epoch")


def test_the_latest_500_rooms_are_listed() -> None:
    heads = [(RoomId(f"room{number}"), Rev(number)) for number in range(1, LISTED_ROOMS + 2)]
    ready = service().greet(actor("ada"), heads)
    assert [(room.room_id, room.rev) for room in ready.rooms] == heads[:LISTED_ROOMS]
    assert ready.rooms_more
    assert not service().greet(actor("ada"), heads[:LISTED_ROOMS]).rooms_more


def test_only_sockets_are_greeted() -> None:
    with pytest.raises(Unauthenticated):
        service().greet(replace(actor("ada"), session_id=None), [])
