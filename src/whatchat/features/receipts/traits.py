"""What does not change often about rooms, remembered."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from time import monotonic
from typing import Final, NamedTuple

from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.ports.room_store import RoomStore

MAX_AGE_SECONDS: Final = 30.0
MAX_ROOMS: Final = 50_000


class Traits(NamedTuple):
    """How many people are in a room; ``pair`` are the two of a direct one."""

    people: int
    pair: tuple[UserId, ...] = ()

    def other(self, user_id: UserId) -> UserId | None:
        """The other one in a direct room."""
        return next((one for one in self.pair if one != user_id), None)


class _Known(NamedTuple):
    traits: Traits
    until: float


class RoomTraits:
    """Reads the traits of many rooms at once; of a direct room they are never others."""

    def __init__(self, rooms: RoomStore, *, clock: Callable[[], float] = monotonic) -> None:
        self._rooms = rooms
        self._clock = clock
        self._known: OrderedDict[RoomId, _Known] = OrderedDict()

    async def of(self, room_ids: Collection[RoomId]) -> Mapping[RoomId, Traits]:
        """The traits of those rooms that there are. Raises ``Unavailable``."""
        now = self._clock()
        found: dict[RoomId, Traits] = {}
        for room_id in room_ids:
            known = self._known.get(room_id)
            if known is not None and known.until > now:
                found[room_id] = known.traits
        if len(found) < len(room_ids):
            missing = [room_id for room_id in room_ids if room_id not in found]
            found |= await self._read(missing)
        return found

    async def _read(self, room_ids: list[RoomId]) -> Mapping[RoomId, Traits]:
        records = await self._rooms.records(room_ids)
        direct = [record for record in records.values() if record.kind == "direct"]
        listed = await self._rooms.listed(direct, None) if direct else {}
        found: dict[RoomId, Traits] = {}
        for room_id, record in records.items():
            pair = tuple(member.user_id for member in listed.get(room_id, ()))
            found[room_id] = Traits(record.participant_count, pair)
            self._remember(room_id, found[room_id])
        return found

    def _remember(self, room_id: RoomId, traits: Traits) -> None:
        until = float("inf") if traits.pair else self._clock() + MAX_AGE_SECONDS
        self._known[room_id] = _Known(traits, until)
        self._known.move_to_end(room_id)
        if len(self._known) > MAX_ROOMS:
            self._known.popitem(last=False)
