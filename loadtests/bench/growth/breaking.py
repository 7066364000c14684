"""What of a deployment cannot grow any further first."""

from collections.abc import Callable
from typing import Final, NamedTuple

from loadtests.bench.growth.model import Bounds, Crowd, Model, Needs, needs

MOST: Final = 1_000_000_000
SMALL_PRIMARY: Final = 4

Upto = Callable[[Callable[[Needs], bool]], int]


class Limit(NamedTuple):
    """A part, how far it may be used, and the connections up to which that is enough."""

    part: str
    bound: str
    connections: int


def limits(model: Model, crowd: Crowd, bounds: Bounds) -> list[Limit]:
    """Each part that adding pods does not relieve; the one that ends first comes first."""
    share, gigabits = bounds.share, bounds.network_bits / 1e9

    def upto(is_enough: Callable[[Needs], bool]) -> int:
        return most(lambda count: is_enough(needs(model, crowd, bounds, count)))

    found = [
        Limit(
            "one Redis, without a cluster",
            f"{share:.0%} of its one core",
            upto(lambda one: one.redis_shards == 1),
        ),
        *(_primary(cores, share, upto) for cores in (SMALL_PRIMARY, bounds.primary_cores)),
        Limit(
            "the primary's network",
            f"{share:.0%} of {gigabits:g} Gbit/s",
            upto(lambda one: 8 * one.mongo_traffic <= share * bounds.network_bits),
        ),
    ]
    return sorted(found, key=lambda limit: limit.connections)


def _primary(cores: int, share: float, upto: Upto) -> Limit:
    enough = upto(lambda one: one.mongo_cores <= share * cores)
    return Limit(f"one MongoDB primary of {cores} cores", f"{share:.0%} of them", enough)


def most(holds: Callable[[int], bool]) -> int:
    """The largest number for which it still holds; 0 if for none, :data:`MOST` if for all."""
    low, high = 0, MOST
    if holds(high):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
