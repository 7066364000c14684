"""The journal, sorted by what judges ask of it."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, Self, TypeVar

from tests.chaos.evidence import Evidence
from tests.chaos.journal import Accepted, Changed, Changing, Sent, Shown, Turned
from whatchat.domain.ids import ClientId, RoomId, UserId

T = TypeVar("T")


class Told(NamedTuple):
    """What was sent, accepted and shown; ``judged`` are the people who must have everything.

    ``asked`` are changes, and ``changed`` those of them that were accepted; ``words`` is all
    that each message may ever have said: nothing, if somebody wanted it deleted.
    """

    sent: dict[ClientId, Sent]
    accepted: dict[ClientId, Accepted]
    shown: dict[tuple[UserId, RoomId], list[Shown]]
    judged: frozenset[UserId]
    asked: dict[ClientId, Changing]
    changed: dict[ClientId, Changed]
    turned: dict[tuple[UserId, RoomId], list[Turned]]
    words: dict[ClientId, set[str]]

    @classmethod
    def by(cls, evidence: Evidence) -> Self:
        """From the journal."""
        journal = evidence.journal
        shown: dict[tuple[UserId, RoomId], list[Shown]] = {}
        for one in journal.of(Shown):
            shown.setdefault((one.person, one.room), []).append(one)
        turned: dict[tuple[UserId, RoomId], list[Turned]] = {}
        for turn in journal.of(Turned):
            turned.setdefault((turn.person, turn.room), []).append(turn)
        sent = {one.client_id: one for one in journal.of(Sent)}
        asked = {one.client_id: one for one in journal.of(Changing)}
        return cls(
            sent,
            {one.client_id: one for one in journal.of(Accepted)},
            shown,
            evidence.judged,
            asked,
            {one.client_id: one for one in journal.of(Changed)},
            turned,
            _words(sent, asked.values()),
        )


def _words(sent: Mapping[ClientId, Sent], asked: Iterable[Changing]) -> dict[ClientId, set[str]]:
    words = {client_id: {one.text} for client_id, one in sent.items()}
    for one in asked:
        if one.of in sent and sent[one.of].person == one.person and one.how in {"edit", "delete"}:
            words[one.of].add(one.what)
    return words


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
