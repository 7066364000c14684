"""The journal, sorted by what judges ask of it."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple, Self, TypeVar

from tests.chaos.evidence import Evidence
from tests.chaos.journal import Accepted, Sent, Shown
from whatchat.domain.ids import ClientId, RoomId, UserId

T = TypeVar("T")


class Told(NamedTuple):
    """What was sent, accepted and shown; ``judged`` are the people who must have everything."""

    sent: dict[ClientId, Sent]
    accepted: dict[ClientId, Accepted]
    shown: dict[tuple[UserId, RoomId], list[Shown]]
    judged: frozenset[UserId]

    @classmethod
    def by(cls, evidence: Evidence) -> Self:
        """From the journal."""
        shown: dict[tuple[UserId, RoomId], list[Shown]] = {}
        for one in evidence.journal.of(Shown):
            shown.setdefault((one.person, one.room), []).append(one)
        return cls(
            {one.client_id: one for one in evidence.journal.of(Sent)},
            {one.client_id: one for one in evidence.journal.of(Accepted)},
            shown,
            evidence.judged,
        )


def ascend(revs: Sequence[int]) -> bool:
    """Whether each is higher than the one before, or the same."""
    return all(before <= after for before, after in pairwise(revs))


def repeated(things: Iterable[T]) -> list[T]:
    """Each that was there before."""
    seen: set[T] = set()
    again = []
    for thing in things:
        if thing in seen:
            again.append(thing)
        seen.add(thing)
    return again
