"""A point of a curve, before it is known of which round it is."""

from typing import NamedTuple

from loadtests.bench.growth.meters import Found
from loadtests.bench.growth.samples import Series


class Place(NamedTuple):
    """What was found at ``x``; ``backlog`` is that of a sync."""

    series: Series
    x: int
    found: Found
    backlog: int = 0
