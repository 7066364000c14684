"""Telling the server how far one has got."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from whatchat.client.events import Delivered, Read, Received
from whatchat.client.http import fields
from whatchat.client.replica import Replica
from whatchat.client.state import newest_by_others
from whatchat.client.tasks import cancel
from whatchat.domain.errors import ChatError, Unavailable
from whatchat.domain.ids import RoomId, Seq

GATHER_SECONDS: Final = 0.15
RETRY_SECONDS: Final = 2.0


class Receipts:
    """Tells what was gathered for a while, of each room once.

    ``command`` sends one and returns when it is acknowledged. Own devices' receipts are taken
    into the replica as the server takes them, as this socket is not told of its own.
    """

    def __init__(self, replica: Replica, command: Callable[[str, object], Awaitable[None]]) -> None:
        self._replica = replica
        self._command = command
        self._told: dict[RoomId, Seq] = {}
        self._reads: dict[RoomId, Seq] = {}
        self._readers: dict[RoomId, list[asyncio.Future[None]]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._delivering: asyncio.Task[None] | None = None

    def deliver(self) -> None:
        """From now on acknowledge what is held without a gap, whenever more is."""
        if self._delivering is None:
            self._delivering = asyncio.create_task(self._deliver(), name="delivery-receipts")

    async def read(self, room_id: RoomId, seq: Seq) -> None:
        """Everything up to there has been read; returns once the server knows."""
        self._reads[room_id] = max(seq, self._reads.get(room_id, seq))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._readers.setdefault(room_id, []).append(future)
        if self._reading is None:
            self._reading = asyncio.create_task(self._tell_reads(), name="read-receipts")
        await future

    async def close(self) -> None:
        """Tell nothing more."""
        await cancel(*(task for task in (self._reading, self._delivering) if task))
        for readers in self._readers.values():
            _fail(readers, Unavailable("the client is closed"))

    async def _tell_reads(self) -> None:
        try:
            while self._reads:
                await asyncio.sleep(GATHER_SECONDS)
                reads, self._reads = self._reads, {}
                for room_id, seq in reads.items():
                    await self._tell_read(room_id, seq, self._readers.pop(room_id))
        finally:
            self._reading = None

    async def _tell_read(
        self, room_id: RoomId, seq: Seq, readers: list["asyncio.Future[None]"]
    ) -> None:
        try:
            await self._tell(Read, room_id, seq)
        except ChatError as error:
            _fail(readers, error)
        except BaseException:
            _fail(readers, Unavailable())
            raise
        for future in readers:
            if not future.done():
                future.set_result(None)

    async def _deliver(self) -> None:
        while True:
            due = self._undelivered()
            if not due:
                await self._replica.changed()
                await asyncio.sleep(GATHER_SECONDS)
                due = self._undelivered()
            try:
                for room_id, seq in due.items():
                    await self._tell(Delivered, room_id, seq)
                    self._told[room_id] = seq
            except ChatError:
                await asyncio.sleep(RETRY_SECONDS)

    def _undelivered(self) -> Mapping[RoomId, Seq]:
        """How far each room is held of which the server does not know it from this device."""
        held = newest_by_others(self._replica.state)
        return {key: seq for key, seq in held.items() if seq > self._told.get(key, 0)}

    async def _tell(self, kind: type[Read | Delivered], room_id: RoomId, seq: Seq) -> None:
        event = "message:read" if kind is Read else "message:delivered"
        await self._command(event, fields(roomId=room_id, seq=seq))
        own: Received = kind(room_id=room_id, user_id=self._replica.state.me.id, seq=seq)
        self._replica.take(own)


def _fail(futures: list["asyncio.Future[None]"], error: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)
