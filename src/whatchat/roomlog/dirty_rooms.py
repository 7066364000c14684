"""Rooms of which something may be in the log and not announced."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from whatchat.domain.batches import batches
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import Rev, RoomId
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.tasks import ended

log = structlog.get_logger()

RETRY_SECONDS: Final = 1.0
CLEANING_SECONDS: Final = 10.0
DOUBT_SECONDS: Final = 10.0
"""So long after it failed an append may still turn out to be in the log.

The store may be at it for its deadline, and a majority may take as long to have it.
"""

AT_ONCE: Final = 20
"""Rooms that are seen to side by side: one that hangs holds up no others for long."""

Tell = Callable[[RoomId, Rev], Awaitable[None]]
"""Announces whatever the log has of a room after a rev."""


class DirtyRooms:
    """Has ``tell`` announce each room until that succeeds.

    A room that something may yet come to, after an append that failed, is looked at for
    ``DOUBT_SECONDS``.
    """

    def __init__(self, rooms: RoomStore, tell: Tell) -> None:
        self._rooms = rooms
        self._tell = tell
        self._told: dict[RoomId, Rev] = {}
        self._trying: set[RoomId] = set()
        self._doubtful: dict[RoomId, tuple[Rev, float]] = {}
        self._task: asyncio.Task[None] | None = None

    def __bool__(self) -> bool:
        return bool(self._told or self._doubtful)

    @property
    def waiting(self) -> int:
        """How many rooms have something that has yet to be announced."""
        return len(self._told.keys() | self._trying)

    def add(self, room_id: RoomId, told: Rev) -> None:
        """See to it that whatever the log has after ``told`` is announced."""
        self._told[room_id] = min(self._told.get(room_id, told), told)

    def doubt(self, room_id: RoomId, told: Rev) -> None:
        """The same, also for what comes a little later."""
        until = asyncio.get_running_loop().time() + DOUBT_SECONDS
        self._doubtful[room_id] = min(self._doubtful.get(room_id, (told,))[0], told), until

    def start(self) -> None:
        """Begin to see to them."""
        self._task = asyncio.create_task(self._run(), name="dirty-rooms")

    async def stop(self) -> None:
        """Try a last time, and see to them no more."""
        if self._task:
            await ended(self._task)
            try:
                async with asyncio.timeout(RETRY_SECONDS):
                    await self.clean()
            except TimeoutError:
                log.warning("rooms are left to others to announce", rooms=len(self._told))

    async def clean(self) -> None:
        """Announce them, or find for a few that they cannot be."""
        await self._look_again()
        for rooms in batches(list(self._told), AT_ONCE):
            if not any(await asyncio.gather(*map(self._clean, rooms))):
                break  # store or broker is away: reading all the others would not help it

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            await self.clean()

    async def _look_again(self) -> None:
        """Add the doubtful rooms that have something, and forget those that had time enough."""
        if not self._doubtful:
            return
        now = asyncio.get_running_loop().time()
        try:
            heads = await self._rooms.heads(list(self._doubtful))
        except ChatError as error:
            log.warning("rooms cannot be looked at yet", error=error.text)
            return
        except Exception:
            log.exception("rooms cannot be looked at; trying again")
            return
        for room_id, (told, until) in list(self._doubtful.items()):
            if (head := heads.get(room_id, told)) > told:
                self.add(room_id, told)
                self._doubtful[room_id] = head, until
            if until <= now:
                del self._doubtful[room_id]

    async def _clean(self, room_id: RoomId) -> bool:
        """False if the room stays dirty; it then comes last."""
        told = self._told.pop(room_id)
        self._trying.add(room_id)
        try:
            async with asyncio.timeout(CLEANING_SECONDS):
                await self._tell(room_id, told)
        except asyncio.CancelledError:
            self.add(room_id, told)
            raise
        except (ChatError, TimeoutError):
            self.add(room_id, told)
            return False
        except Exception:
            log.exception("a room cannot be announced; trying again")
            self.add(room_id, told)
            return False
        finally:
            self._trying.discard(room_id)
        return True
