"""What came of a trial."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from tests.chaos.evidence import Evidence
from tests.chaos.journal import Accepted, Changed, Journal, Sent, Shown, Unknown, Vanished
from tests.chaos.problems import Duplicated, Lost, Problem, Unfinished
from whatchat.domain.ids import ClientId


class Outcome(NamedTuple):
    """A row of the table; times in seconds.

    ``accepted`` are messages, ``changed`` what was accepted of edits, deletions and reactions,
    and ``unknown`` what of all these had no answer. ``converged`` is how long after the healing
    the last client had everything that was sent before it; ``longest`` how long any message
    took to any client.
    """

    fault: str
    clients: int
    accepted: int
    changed: int
    unknown: int
    lost: int
    duplicated: int
    converged: float
    longest: float
    problems: Sequence[Problem]

    @classmethod
    def of(cls, fault: str, clients: int, evidence: Evidence, problems: Sequence[Problem]) -> Self:
        """What the evidence says."""
        journal = evidence.journal
        converged, longest = _times(journal)
        return cls(
            fault=fault,
            clients=clients,
            accepted=journal.count(Accepted),
            changed=journal.count(Changed),
            unknown=journal.count(Unknown) + journal.count(Vanished),
            lost=sum(isinstance(one, Lost) for one in problems),
            duplicated=sum(isinstance(one, Duplicated) for one in problems),
            converged=converged,
            longest=longest,
            problems=problems,
        )

    @classmethod
    def unfinished(cls, fault: str, clients: int, error: BaseException) -> Self:
        """Of a trial that could not be judged."""
        problem = Unfinished(f"{type(error).__name__}: {error}")
        return cls(fault, clients, 0, 0, 0, 0, 0, 0.0, 0.0, [problem])


def _times(journal: Journal) -> tuple[float, float]:
    """How long after the healing, and after its sending, the last message came."""
    sent = {one.client_id: one.at for one in journal.of(Sent)}
    came: dict[ClientId, float] = {}
    for one in journal.of(Shown):
        came[one.client_id] = max(one.at, came.get(one.client_id, 0))
    healed = journal.marked("healed")
    before = [at for client_id, at in came.items() if sent.get(client_id, healed) < healed]
    longest = max((at - sent.get(client_id, at) for client_id, at in came.items()), default=0)
    return max(0.0, max(before, default=healed) - healed), longest
