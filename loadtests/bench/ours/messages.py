"""What clients of the benchmark may ask for: to tell their room something."""

import asyncio
from collections.abc import Sequence
from time import time
from typing import NoReturn

import msgspec
from msgspec import Struct

from loadtests.bench.ours.rooms import MadeUpRooms, room_of
from whatchat.domain.actor import Actor
from whatchat.domain.audience import Announcement, InRoom
from whatchat.domain.errors import ChatError, Invalid
from whatchat.domain.ids import Rev, RoomId
from whatchat.domain.ports.broker import Broker


class Said(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client sends."""

    at: int
    text: str


class Told(Struct, frozen=True, kw_only=True, rename="camel"):
    """What its room hears."""

    at: int
    room_id: RoomId
    rev: Rev
    text: str


class Accepted(Struct, frozen=True, kw_only=True):
    """What it is answered."""

    rev: Rev


class RoomMessages:
    """Implements the sockets' ``Commands``: announces what is said by the pod's broker."""

    def __init__(self, rooms: MadeUpRooms, broker: Broker) -> None:
        self._rooms = rooms
        self._broker = broker
        self._encoder = msgspec.json.Encoder()

    async def refuse(self, _actor: Actor, refusal: ChatError) -> NoReturn:
        raise refusal

    def begin(
        self,
        actor: Actor,
        event: str,
        arguments: Sequence[object],
    ) -> None:
        """Nothing: everything is run."""

    async def run(self, actor: Actor, event: str, arguments: Sequence[object]) -> bytes:
        if event != "message:send" or len(arguments) != 1:
            raise Invalid("there is no such event", field="event")
        said = msgspec.convert(arguments[0], Said)
        room_id = room_of(actor.user_id)
        rev = self._rooms.take_rev(room_id)
        told = Told(at=said.at, room_id=room_id, rev=rev, text=said.text)
        announcement = Announcement(
            audience=InRoom(room_id=room_id),
            event="message:new",
            payload=self._encoder.encode(told),
            room_id=room_id,
            rev=rev,
            accepted_at=time(),
        )
        published = asyncio.ensure_future(self._broker.publish([announcement]))
        if not published.done():
            published.add_done_callback(asyncio.Future.exception)  # nobody makes up for a loss here
        return self._encoder.encode(Accepted(rev=rev))
