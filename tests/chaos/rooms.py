"""Who is in a room with whom."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

T = TypeVar("T")

CIRCLE = 10
"""So many people are in a circle of friends."""

HALL = 200
"""At most so many are in the room that is for everybody."""

LIBRARY = 30
"""So many are in the room where nobody speaks."""

FIRST_POD = "pod-1"
"""What the proxy calls it."""

SHARES = {"pair": 0.6, "circle": 0.38, "hall": 0.02, "library": 0.0}
"""How much of what is said is said where."""


class Gathering(NamedTuple):
    """People who are to be in a room; the first of them opens it."""

    kind: str
    people: tuple[int, ...]


def gatherings(people: int) -> list[Gathering]:
    """Everybody is in a pair and in a circle, and as many as it takes are in the hall.

    Strangers are put together, so that most rooms are spread over the pods.
    """
    everybody = random.sample(range(people), people)
    pairs = [Gathering("pair", tuple(two)) for two in _groups(everybody, 2)]
    everybody = random.sample(range(people), people)
    circles = [Gathering("circle", tuple(some)) for some in _groups(everybody, CIRCLE)]
    return [*pairs, *circles, Gathering("hall", tuple(everybody[:HALL]))]


def library(pods: Sequence[str]) -> Gathering:
    """One who is on the first pod, and others who are not; ``pods`` says who is where."""
    on_first = [number for number, pod in enumerate(pods) if pod == FIRST_POD]
    elsewhere = [number for number, pod in enumerate(pods) if pod != FIRST_POD]
    return Gathering("library", (on_first[0], *elsewhere[: LIBRARY - 1]))


def _groups(everybody: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Groups of that size; those who are left over join the last."""
    starts = range(0, max(1, len(everybody) - size + 1), size)
    for start in starts:
        is_last = start == starts[-1]
        yield everybody[start:] if is_last else everybody[start : start + size]
