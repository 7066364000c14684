"""Sets of whole numbers that mostly follow each other."""

from bisect import bisect_right
from itertools import pairwise


class Runs:
    """Kept as where each run of numbers begins and where it has ended.

    A day's messages of a room take no more memory than the first, as long as none is missing.
    """

    __slots__ = ("_bounds",)

    def __init__(self, upto: int = -1) -> None:
        """Holds everything from 0 up to ``upto``; nothing if that is less than 0."""
        self._bounds = [0, upto + 1] if upto >= 0 else []

    def add(self, number: int) -> bool:
        """Take it in; ``False`` if it is there already."""
        bounds = self._bounds
        if bounds and bounds[-1] == number:
            bounds[-1] = number + 1
            return True
        at = bisect_right(bounds, number)
        if at % 2:
            return False
        prolongs = at > 0 and bounds[at - 1] == number
        precedes = at < len(bounds) and bounds[at] == number + 1
        begin = [] if prolongs else [number]
        end = [] if precedes else [number + 1]
        bounds[at - prolongs : at + precedes] = begin + end
        return True

    def merge(self, *, but: int) -> None:
        """Take in what is between the runs, all but the latest ``but`` of which become one."""
        del self._bounds[1 : -2 * but - 1]

    def __contains__(self, number: int) -> bool:
        return bisect_right(self._bounds, number) % 2 == 1

    def __len__(self) -> int:
        return sum(end - begin for begin, end in self.runs())

    def runs(self) -> list[tuple[int, int]]:
        """Each run's first number, and the one after its last."""
        return list(pairwise(self._bounds))[::2]

    def without(self, other: "Runs") -> int:
        """How many are here and not in ``other``."""
        mine, theirs, both = self.runs(), other.runs(), 0
        i = j = 0
        while i < len(mine) and j < len(theirs):
            begin, end = max(mine[i][0], theirs[j][0]), min(mine[i][1], theirs[j][1])
            both += max(0, end - begin)
            if mine[i][1] <= theirs[j][1]:
                i += 1
            else:
                j += 1
        return len(self) - both
