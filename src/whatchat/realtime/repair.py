"""What the broker did not bring, found in the store."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from whatchat.domain.batches import batches
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.signals import SessionResync
from whatchat.realtime.delivery import Delivery
from whatchat.realtime.hub import Hub, LocalUser
from whatchat.realtime.tasks import Tasks

log = structlog.get_logger()

ROUND_SECONDS: Final = 30.0
BATCH: Final = 500
RETRY_SECONDS: Final = 1.0


class Repair:
    """Compares this pod's rooms and people with the store.

    Once in ``round_seconds``, spread over them, the heads of all local rooms are compared;
    what a room has beyond its feed is then read and let out in order, as any hole is. After
    an interruption of the broker all are compared at once, and rooms that local users have
    come into meanwhile are entered: whoever missed that is told to ask anew.
    """

    def __init__(
        self,
        hub: Hub,
        rooms: RoomStore,
        delivery: Delivery,
        tasks: Tasks,
        *,
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        self._hub = hub
        self._rooms = rooms
        self._delivery = delivery
        self._tasks = tasks
        self._round_seconds = round_seconds
        self._interrupted = self._comparing = False

    async def run(self) -> None:
        """Compare heads, round by round, until cancelled."""
        while True:
            parts = list(batches(self._hub.room_ids(), BATCH)) or [[]]
            for part in parts:
                await asyncio.sleep(self._round_seconds / len(parts))
                try:
                    await self._compare_heads(part)
                except ChatError as error:
                    log.warning("heads could not be compared", error=error.text)
                except Exception:
                    log.exception("heads could not be compared; going on")

    def broker_resumed(self) -> None:
        """Compare all at once: anything may have been missed."""
        self._interrupted = True
        if not self._comparing:
            self._comparing = True
            self._tasks.spawn(self._compare_all(), name="repair")

    async def _compare_all(self) -> None:
        try:
            while self._interrupted:
                self._interrupted = False
                if not await self._all_compared():
                    self._interrupted = True
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            self._comparing = False

    async def _all_compared(self) -> bool:
        try:
            # People first: what they have come into is compared with the rest.
            for user_ids in batches(self._hub.user_ids(), BATCH):
                await self._compare_memberships(user_ids)
            for room_ids in batches(self._hub.room_ids(), BATCH):
                await self._compare_heads(room_ids)
        except ChatError as error:
            log.warning("what was missed cannot be read yet", error=error.text)
            return False
        except Exception:
            log.exception("what was missed cannot be read; trying again")
            return False
        return True

    async def _compare_heads(self, room_ids: Sequence[RoomId]) -> None:
        if not room_ids:
            return
        for room_id, head in (await self._rooms.heads(room_ids)).items():
            room = self._hub.room(room_id)
            if room is not None and room.feed.started:
                self._delivery.begin(room, head)

    async def _compare_memberships(self, user_ids: Sequence[UserId]) -> None:
        joined = await self._rooms.joined(user_ids)
        for user_id, rooms in joined.items():
            user = self._hub.user(user_id)
            if user is None:
                continue
            entered = [
                room_id for room_id in rooms if self._hub.enter(user, room_id, rooms[room_id])
            ]
            for room_id in entered:
                self._delivery.follow(room_id)
            if entered:
                _tell_to_ask(user)


def _tell_to_ask(user: LocalUser) -> None:
    for connection in user.connections.values():
        connection.tell(SessionResync(reason="missed"))
