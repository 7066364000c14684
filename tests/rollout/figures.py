"""What came of a rolling update."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.chaos.journal import Barred, Joined, Journal, Left
from tests.chaos.outcome import Outcome
from tests.rollout.newcomers import Try
from whatchat.domain.ids import UserId

SHOWN = 5


class Figures(NamedTuple):
    """A column of the report; times in seconds.

    ``outcome`` is the judge's, if there were people. ``gaps`` are the times without a connection,
    for each reconnect, and ``stock_gaps`` those of ``stock`` clients of another library;
    ``barred`` are attempts of all these that came to nothing. ``evenly`` is how
    many leave in the worst second if departures are spread evenly, of all pods that drain then;
    ``storm`` is how many came to any one pod in its worst second, ``storm_in_all`` to all.
    """

    name: str
    replaced: int
    workers: int
    outcome: Outcome | None
    doors: Sequence[Try]
    requests: Sequence[Try]
    gaps: Sequence[float]
    barred: Sequence[str]
    stock: int
    stock_gaps: Sequence[float]
    evenly: float
    storm: float
    storm_in_all: float
    killed: int
    seconds: float
    load: float
    crashes: Sequence[str]

    @property
    def refused(self) -> list[Try]:
        """Newcomers who were not let in."""
        return [one for one in self.doors if one.trouble]

    @property
    def torn(self) -> int:
        """Sessions that the proxy took to another pod between two of their first polls."""
        return len([one for one in self.doors if one.torn])

    @property
    def failed(self) -> list[Try]:
        """REST requests without success."""
        return [one for one in self.requests if one.trouble]

    def gap(self, part: float) -> float:
        """How long no more than that part of the reconnects took."""
        return quantile(self.gaps, part)

    def troubles(self) -> list[str]:
        """All that must not be; nothing if all is well."""
        return [*self._troubles()]

    def _troubles(self) -> Iterator[str]:
        for problem in self.outcome.problems if self.outcome else ():
            yield str(problem)
        for one in self.refused:
            yield f"refused by {one.kind} after {one.seconds:.1f} s: {one.trouble}"
        for one in self.failed:
            yield f"a {one.kind} request failed after {one.seconds:.1f} s: {one.trouble}"
        for why in self.barred:
            yield f"somebody could not reconnect: {why}"
        if self.killed:
            yield f"{self.killed} pods did not end within their grace"
        yield from self.crashes


def quantile(values: Sequence[float], part: float) -> float:
    """The least of the values that is not below that part of them; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def gaps_of(journal: Journal, since: float, until: float) -> list[float]:
    """How long each was without a connection that lost one in that time."""
    lost: dict[UserId, float] = {}
    found = []
    for record in journal:
        if isinstance(record, Left) and since <= record.at <= until:
            lost[record.person] = record.at
        elif isinstance(record, Joined) and record.person in lost:
            found.append(record.at - lost.pop(record.person))
    return found


def barred_of(journal: Journal, since: float, until: float) -> list[str]:
    """Why attempts to connect came to nothing in that time."""
    return [one.why for one in journal.of(Barred) if since <= one.at <= until]
