"""Subscribe, then read: how a socket comes to know where its rooms stand."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from whatchat.domain.actor import Actor
from whatchat.domain.contract import Event
from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import Rev, RoomId, UserId
from whatchat.domain.ports.room_store import RoomStore
from whatchat.realtime.channels import Channels
from whatchat.realtime.connection import Connection
from whatchat.realtime.delivery import Delivery
from whatchat.realtime.hub import Hub, LocalUser

Greet = Callable[[Actor, Sequence[tuple[RoomId, Rev]]], Event]
"""Makes the first event from the user's rooms and their heads, latest activity first."""


class Prepared(NamedTuple):
    """A warming socket's user, and its rooms' heads as read, latest activity first."""

    user: LocalUser
    heads: Mapping[RoomId, Rev]


class Admission:
    """Brings sockets from the handshake to the live stream without a gap.

    The user's channel is subscribed before the user's rooms are read, and the rooms'
    channels before their heads. What arrives meanwhile is held by the warming connection.
    """

    def __init__(
        self,
        hub: Hub,
        user_channels: Channels[UserId],
        room_channels: Channels[RoomId],
        rooms: RoomStore,
        delivery: Delivery,
        greet: Greet,
    ) -> None:
        self._hub = hub
        self._user_channels = user_channels
        self._room_channels = room_channels
        self._rooms = rooms
        self._delivery = delivery
        self._greet = greet

    async def prepare(self, connection: Connection) -> Prepared:
        """Take the socket in and read where its rooms stand; on failure it is out again.

        Raises ``Unavailable``, and ``Unauthenticated`` if the sign-in ended meanwhile.
        """
        user = self._hub.add(connection)
        try:
            prepared = await self._prepare(user)
            _require_open(connection)
        except BaseException:
            self._hub.remove(connection)
            for room_id in user.rooms:
                # The user's other sockets are in the rooms that this one has found.
                self._delivery.follow(room_id)
            raise
        return prepared

    def open(self, connection: Connection, prepared: Prepared) -> None:
        """Greet the socket and let it hear everything from there on."""
        heads = {
            room_id: head
            for room_id, head in prepared.heads.items()
            if room_id in prepared.user.rooms  # others were left meanwhile
        }
        # The feed may be ahead of the read, or behind it: whichever is further is told.
        told = {room_id: Rev(max(head, self._position(room_id))) for room_id, head in heads.items()}
        for room_id, head in heads.items():
            if room := self._hub.room(room_id):
                self._delivery.begin(room, head)
        behind = {room_id for room_id, rev in told.items() if self._position(room_id) < rev}
        greeting = self._greet(connection.actor, list(told.items()))
        connection.greet(greeting, told, behind)

    def _position(self, room_id: RoomId) -> int:
        room = self._hub.room(room_id)
        return room.feed.position if room else 0

    async def _prepare(self, user: LocalUser) -> Prepared:
        await self._user_channels.settle()
        followed = self._followed(user)
        memberships = await self._rooms.memberships(user.user_id)
        heads = {membership.record.room_id: membership.record.rev for membership in memberships}
        for membership in memberships:
            self._hub.enter(user, membership.record.room_id, membership.member.joined_seq)
        if fresh := [room_id for room_id in heads if room_id not in followed]:
            await self._room_channels.settle()
            heads.update(await self._rooms.heads(fresh))
        return Prepared(user, heads)

    def _followed(self, user: LocalUser) -> set[RoomId]:
        """The user's rooms that this pod misses nothing of already."""
        return {
            room_id
            for room_id in user.rooms
            if (room := self._hub.room(room_id))
            and room.feed.started
            and self._room_channels.in_force(room_id)
        }


def _require_open(connection: Connection) -> None:
    if connection.closing is not None:
        raise Unauthenticated
