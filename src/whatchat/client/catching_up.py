"""Keeping the replica in step with the server."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Final

import msgspec

from whatchat.client import state as states
from whatchat.client.backoff import Backoff, jitter
from whatchat.client.errors import ConnectionLost
from whatchat.client.http import fields
from whatchat.client.replica import Replica
from whatchat.client.socket import Socket
from whatchat.client.views import SyncAnswer
from whatchat.domain.batches import batches
from whatchat.domain.errors import RateLimited, Unavailable
from whatchat.domain.ids import Rev, RoomId

GAP_SECONDS: Final = 1
"""How long a gap may close by itself, before as much again of jitter."""

MAX_CURSORS: Final = 1_000
"""So many rooms ``sync`` takes at a time."""


class CatchingUp:
    """Fetches what the replica lacks: everything on a new connection, later what gaps show.

    ``list_rooms`` names all rooms there are, for those who are in more than ``sync`` takes.
    """

    def __init__(
        self, replica: Replica, list_rooms: Callable[[], Awaitable[Collection[RoomId]]]
    ) -> None:
        self.done = asyncio.Event()
        self._replica = replica
        self._list_rooms = list_rooms
        self._is_behind = True
        self._wake = asyncio.Event()
        replica.when_gap(self._wake.set)

    def ask(self) -> None:
        """Have everything looked at again; ``done`` is set once that has happened."""
        self.done.clear()
        self._is_behind = True
        self._wake.set()

    async def run(self, socket: Socket) -> None:
        """Catch up, and go on doing so. Raises when the connection is lost."""
        self.ask()
        while True:
            if self._is_behind:
                await self._everything(socket)
            elif states.gaps(self._replica.state):
                await self._gaps(socket)
            else:
                self._wake.clear()
                await self._wake.wait()

    async def _everything(self, socket: Socket) -> None:
        self._is_behind = False
        if not await self._pages(socket, None):
            rooms = {*states.cursors(self._replica.state), *await self._list_rooms()}
            await self._only(socket, list(rooms))
        if not self._is_behind:
            self.done.set()

    async def _gaps(self, socket: Socket) -> None:
        await asyncio.sleep(GAP_SECONDS + jitter(GAP_SECONDS))
        await self._only(socket, list(states.gaps(self._replica.state)))

    async def _only(self, socket: Socket, rooms: list[RoomId]) -> None:
        epoch = self._replica.state.epoch
        for some in batches(rooms, MAX_CURSORS):
            await self._pages(socket, some)
        if self._replica.state.epoch != epoch:
            self.ask()

    async def _pages(self, socket: Socket, rooms: Sequence[RoomId] | None) -> bool:
        """Ask page by page about some rooms, or all; whether those fitted into one question."""
        while True:
            held = states.cursors(self._replica.state)
            if rooms is None and len(held) > MAX_CURSORS:
                return False
            cursors = held if rooms is None else {key: held.get(key, Rev(0)) for key in rooms}
            epoch = self._replica.state.epoch or None
            # A mark is for all rooms: of some rooms alone receipts come with their changes.
            mark = self._replica.state.receipts_at if rooms is None else None
            question = fields(
                cursors=cursors, epoch=epoch, only=rooms is not None, receiptsSince=mark
            )
            if not (await self._ask(socket, question)).more:
                return True

    async def _ask(self, socket: Socket, question: dict[str, object]) -> SyncAnswer:
        backoff = Backoff(first=0.5, most=10)
        while True:
            try:
                return await socket.call("sync", question, self._absorb)
            except ConnectionLost:
                raise
            except (Unavailable, RateLimited) as error:
                await asyncio.sleep(max(backoff.next(), (error.retry_after_ms or 0) / 1000))

    def _absorb(self, data: Any) -> SyncAnswer:
        answer = msgspec.convert(data, SyncAnswer)
        self._replica.catch_up(answer)
        return answer
