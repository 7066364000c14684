"""Who the people of a load test are, and which rooms they share; the same for whoever asks."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from whatchat.domain.batches import batches
from whatchat.domain.ids import RoomId, UserId

VILLAGE: Final = 100
"""So many people share rooms of Zipf's sizes: one for all, one for a half, one for a third, …"""

MOST_IN_ROOM: Final = 5_000


class Layout(StrEnum):
    """How people are put into rooms.

    ``pairs``: each with one other. ``zipf``: each in four or five rooms, the n-th largest of
    which has an n-th of the people of the largest. ``big``: all in one.
    """

    PAIRS = "pairs"
    ZIPF = "zipf"
    BIG = "big"


class CastRoom(NamedTuple):
    """A room and the numbers of its members, the first of whom opened it."""

    room_id: RoomId
    members: Sequence[int]


class Cast:
    """People, numbered from 0, in ``shards`` that share no room.

    A shard is played by one process, so that whoever sends and whoever receives have one clock,
    and its numbers follow each other. ``name`` keeps the people of one test from those of another.
    """

    def __init__(self, people: int, *, shards: int, layout: Layout, name: str = "load") -> None:
        if people < 1 or shards < 1:
            raise ValueError("people and shards must be at least 1")
        self.people = people
        self.shards = shards
        self.layout = layout
        self._name = f"{name}-{layout}-{people}-{shards}"

    def user_id(self, number: int) -> UserId:
        """Whose number that is; people are the same in all tests of the same name and size."""
        return UserId(_id(self._name, "person", number))

    def username(self, number: int) -> str:
        """How that person is called, unique as the id is."""
        return f"load.{number}.{self.user_id(number)[:8].lower()}"

    def shard(self, index: int) -> range:
        """The numbers of one shard's people; shards differ by one at the most."""
        if not 0 <= index < self.shards:
            raise ValueError(f"shard must be from 0 to {self.shards - 1}")
        return range(self.people * index // self.shards, self.people * (index + 1) // self.shards)

    def rooms(self, index: int) -> Iterator[CastRoom]:
        """The rooms of one shard; nobody is alone in one."""
        people = self.shard(index)
        for number, members in enumerate(_grouped(people, self.layout)):
            if len(members) > 1:
                yield CastRoom(RoomId(_id(self._name, f"room-{index}", number)), members)


def _grouped(people: range, layout: Layout) -> Iterator[Sequence[int]]:
    if layout is Layout.ZIPF:
        for village in batches(people, VILLAGE):
            yield from _villages_rooms(village)
    else:
        yield from batches(people, 2 if layout is Layout.PAIRS else MOST_IN_ROOM)


def _villages_rooms(village: Sequence[int]) -> Iterator[Sequence[int]]:
    drawn = random.Random(village[0])
    for rank in range(1, len(village) // 2 + 1):
        yield drawn.sample(village, len(village) // rank)


def _id(*parts: object) -> str:
    """An id that nobody meets by chance, and that is the same each time."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=11)
    return digest.hexdigest()
