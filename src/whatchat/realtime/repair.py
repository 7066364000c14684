"""What the broker did not bring, found in the store."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from itertools import chain, product
from typing import Final

import structlog

from whatchat.domain.batches import batches
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import Rev, RoomId, Seq, UserId
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
    an interruption of the broker all are compared at once; rooms that local users have come
    into meanwhile are entered, rooms that they are out of are left: whoever missed that is
    told to ask anew.
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

    def look_again(self, user_id: UserId) -> None:
        """Compare the rooms of one local user: the broker may have lost what let them in."""
        if self._hub.user(user_id) is not None:
            self._tasks.spawn(self._compare_one(user_id), name="look-again")

    async def _compare_one(self, user_id: UserId) -> None:
        try:
            await self._compare_memberships([user_id])
        except ChatError as error:
            log.warning("a user's rooms cannot be compared", error=error.text)

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
        doubtful: dict[UserId, list[RoomId]] = {}
        for user_id in user_ids:
            user, rooms = self._hub.user(user_id), joined.get(user_id, {})
            if user is None:
                continue
            self._enter(user, rooms)
            if beyond := [room_id for room_id in user.rooms if room_id not in rooms]:
                doubtful[user_id] = beyond
        if doubtful:
            await self._leave_unless_in(doubtful)

    def _enter(self, user: LocalUser, rooms: Mapping[RoomId, Seq]) -> None:
        entered = [room_id for room_id in rooms if self._hub.enter(user, room_id, rooms[room_id])]
        for room_id in entered:
            self._delivery.follow(room_id)
        if entered:
            _tell_to_ask(user)

    async def _leave_unless_in(self, doubtful: Mapping[UserId, Sequence[RoomId]]) -> None:
        """Put out those who are, for the store, in none of these rooms of theirs.

        They may have come in since the store was read before, so it is read again. The heads
        come first: who comes in again after this reading does so above them, and stays in.
        """
        heads = await self._heads(set(chain.from_iterable(doubtful.values())))
        joined = await self._rooms.joined(list(doubtful))
        for user_id, room_ids in doubtful.items():
            user, rooms = self._hub.user(user_id), joined.get(user_id, {})
            if user is None:
                continue
            left = [
                room_id
                for room_id in room_ids
                if room_id in heads and room_id not in rooms
                if room_id in user.rooms and self._hub.leave(user, room_id, heads[room_id])
            ]
            for connection, room_id in product(user.connections.values(), left):
                connection.forget(room_id)
            if left:
                _tell_to_ask(user)

    async def _heads(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Rev]:
        heads: dict[RoomId, Rev] = {}
        for some in batches(list(room_ids), BATCH):
            heads |= await self._rooms.heads(some)
        return heads


def _tell_to_ask(user: LocalUser) -> None:
    for connection in user.connections.values():
        connection.tell(SessionResync(reason="missed"))
