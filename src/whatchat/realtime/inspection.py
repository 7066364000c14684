"""A look into this pod's sockets and rooms, for those who run it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from heapq import nsmallest
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Final, TypeVar

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from whatchat.domain.batches import batches
from whatchat.domain.debugging import (
    AskMessage,
    AskRooms,
    AskSockets,
    CommandRow,
    Handing,
    MessageOnPod,
    PodInside,
    Receipt,
    RoomOnPod,
    SocketDetail,
    SocketRow,
    SocketState,
)
from whatchat.domain.ids import RoomId, SessionId, UserId
from whatchat.domain.times import Timestamp, from_millis, timestamp, utc_now
from whatchat.observability.flight_recorder import Command, FlightRecorder, Handed
from whatchat.observability.logging import hashed
from whatchat.realtime.channels import Channels
from whatchat.realtime.connection import Connection
from whatchat.realtime.hub import Hub, LocalRoom
from whatchat.realtime.leases import Leases

AT_ONCE: Final = 250
"""Between so many, whoever waits for the loop has a turn."""

COUNTED_AT_ONCE: Final = 5_000
"""The same of people in rooms, of whom each costs less."""

LISTED_ROOMS: Final = 100
LISTED_SOCKETS: Final = 500

T = TypeVar("T")


class HubInspection:
    """Implements ``PodInspection``, and tells the recorder of sockets that go."""

    def __init__(
        self,
        pod: str,
        hub: Hub,
        leases: Leases,
        channels: Channels[RoomId],
        flights: FlightRecorder,
    ) -> None:
        self._pod = pod
        self._hub = hub
        self._leases = leases
        self._channels = channels
        self._flights = flights

    def goes(self, connection: Connection, reason: str) -> None:
        """A socket is about to be taken out of the hub."""
        closing = connection.closing
        row = replace(
            self._row(hashed(connection.session_id), connection),
            state="closed",
            closed_at=timestamp(utc_now()),
            close_code=closing.code if closing else UNSET,
            close_reason=reason,
        )
        self._flights.closed(connection.session_id, row, self._rooms_of(connection))

    def counts(self) -> tuple[int, int, int]:
        return len(self._hub), len(self._hub.room_ids()), len(self._hub.user_ids())

    async def inside(self) -> PodInside:
        counted: Counter[str] = Counter()
        async for some in _in_turns(self._hub):
            counted.update(connection.transport for connection in some)
            counted.update(_state(connection) for connection in some)
            counted["congested"] += sum(connection.congested for connection in some)
            counted["outbox_bytes"] += sum(connection.buffered for connection in some)
        return PodInside(
            websocket=counted["websocket"],
            polling=counted["polling"],
            warming=counted["warming"],
            closing=counted["closing"],
            congested=counted["congested"],
            outbox_bytes=counted["outbox_bytes"],
            closed_lately=len(self._flights.all_closed()),
            messages_remembered=self._flights.messages_remembered,
        )

    async def rooms(self, ask: AskRooms) -> list[RoomOnPod]:
        found: list[tuple[int, RoomId]] = []
        after = ask.after or ""
        async for some in _in_turns(self._hub.room_ids()):
            these = [room_id for room_id in some if room_id > after]
            sized = [(0, room_id) for room_id in these]
            if ask.most_sockets:
                sized = [(-room.size, room.room_id) async for room in self._counted(these)]
            found = nsmallest(ask.limit, [*found, *sized])
        return await self.these_rooms([room_id for _, room_id in found])

    async def these_rooms(self, room_ids: list[RoomId]) -> list[RoomOnPod]:
        return [self._room(room) async for room in self._counted(room_ids)]

    async def sockets(self, ask: AskSockets) -> list[SocketRow]:
        after = ask.after or ""
        if ask.closed:
            gone = [closed.row for closed in self._flights.all_closed()]
            these = [row for row in gone if ask.user_id in (None, row.user_id)]
            return nsmallest(
                ask.limit, [row for row in these if row.socket > after], key=attrgetter("socket")
            )
        page: list[tuple[str, Connection]] = []
        async for some in _in_turns(self._asked_for(ask)):
            named = [(hashed(one.session_id), one) for one in some]
            found = [(name, connection) for name, connection in named if name > after]
            page = nsmallest(ask.limit, [*page, *found], key=itemgetter(0))
        return [self._row(name, connection) for name, connection in page]

    async def socket(self, socket: str) -> SocketDetail | None:
        async for some in _in_turns(self._hub):
            for connection in some:
                if hashed(connection.session_id) == socket:
                    return self._detail(socket, connection)
        for closed in self._flights.all_closed():
            if closed.row.socket == socket:
                return _with(
                    closed.row,
                    closed.room_ids,
                    self._flights.unpacked(closed.commands),
                    self._flights.unpacked(closed.errors),
                )
        return None

    async def message(self, ask: AskMessage) -> MessageOnPod | None:
        sent = self._flights.sent(ask.room_id, ask.seq)
        handed = self._flights.handed_to(ask.room_id, ask.seq)
        receipts = self._flights.receipts(ask.room_id, ask.seq)
        if sent is None and handed is None and not receipts:
            return None
        return MessageOnPod(
            pod=self._pod,
            sender_id=sent.sender_id if sent else UNSET,
            accepted_at=_at(sent.accepted_at) if sent else UNSET,
            persisted_at=_at(sent.persisted_at) if sent else UNSET,
            published_at=_at(sent.published_at) if sent and sent.published_at else UNSET,
            written_at=_at(handed.at) if handed else UNSET,
            sockets=_written(handed) if handed else 0,
            written=tuple(self._handings(handed)) if handed else (),
            receipts=tuple(
                Receipt(
                    at=_at(told.at),
                    pod=self._pod,
                    user_id=told.user_id,
                    device_id=told.device_id,
                    kind="read" if told.is_read else "delivered",
                )
                for told in receipts[:LISTED_SOCKETS]
            ),
        )

    def _asked_for(self, ask: AskSockets) -> Iterable[Connection]:
        if ask.room_id is not None:
            room = self._hub.room(ask.room_id)
            found: Iterable[Connection] = room.sockets if room else ()
            return [one for one in found if ask.user_id in (None, one.actor.user_id)]
        if ask.user_id is None:
            return self._hub
        user = self._hub.user(ask.user_id)
        return user.connections.values() if user else ()

    async def _counted(self, room_ids: Iterable[RoomId]) -> AsyncIterator[LocalRoom]:
        """Those of these rooms that are here; to count a room takes a turn by its people."""
        counted = 0
        for room_id in room_ids:
            room = self._hub.room(room_id)
            if room is None:
                continue
            yield room
            counted += 1 + len(room.members)
            if counted >= COUNTED_AT_ONCE:
                counted = 0
                await asyncio.sleep(0)

    def _room(self, room: LocalRoom) -> RoomOnPod:
        return RoomOnPod(
            pod=self._pod,
            room_id=room.room_id,
            sockets=room.size,
            users=len(room.members),
            head=room.feed.position,
            hole=room.feed.hole,
            subscribed=self._channels.in_force(room.room_id),
        )

    def _row(self, name: str, connection: Connection) -> SocketRow:
        actor = connection.actor
        user = self._hub.user(actor.user_id)
        session = self._leases.session(connection.session_id)
        round_trip = connection.round_trip
        return SocketRow(
            socket=name,
            pod=self._pod,
            user_id=actor.user_id,
            device_id=actor.device_id,
            transport=connection.transport,
            address=actor.address,
            state=_state(connection),
            rooms=len(user.rooms) if user else 0,
            outbox_bytes=connection.buffered,
            connected_at=timestamp(session.since) if session else UNSET,
            round_trip_ms=UNSET if round_trip is None else round(round_trip * 1000, 1),
        )

    def _rooms_of(self, connection: Connection) -> tuple[RoomId, ...]:
        user = self._hub.user(connection.actor.user_id)
        return tuple(islice(user.rooms, LISTED_ROOMS)) if user else ()

    def _detail(self, name: str, connection: Connection) -> SocketDetail:
        session_id = connection.session_id
        return _with(
            self._row(name, connection),
            self._rooms_of(connection),
            self._flights.commands_of(session_id),
            self._flights.errors_of(session_id),
        )

    def _handings(self, handed: Handed) -> Iterable[Handing]:
        others = (one for one in handed.session_ids if one != handed.excepted)
        at = _at(handed.at)
        for session_id in islice(others, LISTED_SOCKETS):
            user_id = self._user_of(session_id)
            yield Handing(at=at, pod=self._pod, socket=hashed(session_id), user_id=user_id)

    def _user_of(self, session_id: SessionId) -> UserId | UnsetType:
        connection = self._hub.connection(session_id)
        if connection is not None:
            return connection.actor.user_id
        row = self._flights.row_of(session_id)
        return row.user_id if row else UNSET


async def _in_turns(some: Iterable[T]) -> AsyncIterator[Sequence[T]]:
    """All of it as it is now, ``AT_ONCE`` at a time."""
    for batch in batches(list(some), AT_ONCE):
        yield batch
        await asyncio.sleep(0)


def _state(connection: Connection) -> SocketState:
    if connection.closing is not None:
        return "closing"
    return "warming" if connection.is_warming else "open"


def _written(handed: Handed) -> int:
    return len(handed.session_ids) - (handed.excepted in handed.session_ids)


def _with(
    row: SocketRow,
    room_ids: Sequence[RoomId],
    commands: Sequence[Command],
    errors: Sequence[Command],
) -> SocketDetail:
    return SocketDetail(
        **{name: getattr(row, name) for name in row.__struct_fields__},
        room_ids=list(room_ids),
        commands=[_command(one) for one in commands],
        errors=[_command(one) for one in errors],
    )


def _command(one: Command) -> CommandRow:
    return CommandRow(at=_at(one.at), command=one.name, outcome=one.outcome, ms=round(one.ms, 3))


def _at(seconds: float) -> Timestamp:
    return timestamp(from_millis(int(seconds * 1000)))
