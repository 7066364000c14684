"""What a run has left in its folder, as pictures are drawn of it."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from loadtests.swarm.run import summary as summaries
from loadtests.swarm.run import vitals
from loadtests.swarm.run.results import HISTORY
from loadtests.swarm.run.summary import Summary
from loadtests.swarm.run.vitals import Vital

ALL: Final = "Aggregated"
"""How Locust calls the row of everything, in which the number of users is exact, too."""

NOTHING: Final = ("N/A", "0")
"""What Locust says of times when there were none in its ten seconds."""

Kind = tuple[str, str]
"""What was measured: Locust's type and name, such as ``delivery`` and ``message:new``."""


class Moment(Struct, frozen=True):
    """Percentiles of the ten seconds before a time, in milliseconds."""

    at: float
    p50: float
    p95: float
    p99: float


class Recording(Struct, frozen=True):
    """A run: how many users there were when, what took how long, and how each pod was."""

    summary: Summary
    users: Sequence[tuple[float, int]] = ()
    moments: Mapping[Kind, Sequence[Moment]] = field(default_factory=dict)
    pods: Mapping[str, Sequence[Vital]] = field(default_factory=dict)

    @property
    def start(self) -> float:
        """When it began, in epoch seconds."""
        return self.summary.started.timestamp()

    @property
    def end(self) -> float:
        """When it was last looked at."""
        ats = [at for at, _ in self.users]
        ats += [vital.at for vitals in self.pods.values() for vital in vitals]
        return max(ats, default=self.start)


def read(folder: Path) -> Recording:
    """Read a folder; only the summary has to be there.

    Raises ``OSError``, or ``msgspec.ValidationError`` and ``ValueError`` of what cannot be read.
    """
    history = list(_rows(folder / HISTORY))
    return Recording(
        summary=summaries.read(folder),
        users=[
            (float(row["Timestamp"]), int(row["User Count"]))
            for row in history
            if row["Name"] == ALL
        ],
        moments=_moments(history),
        pods=vitals.recorded(folder / vitals.FILE),
    )


def _moments(history: Sequence[Mapping[str, str]]) -> dict[Kind, list[Moment]]:
    found: dict[Kind, list[Moment]] = {}
    for row in history:
        if row["Name"] != ALL and row["99%"] not in NOTHING:
            percentiles = (float(row[name]) for name in ("50%", "95%", "99%"))
            moment = Moment(float(row["Timestamp"]), *percentiles)
            found.setdefault((row["Type"], row["Name"]), []).append(moment)
    return found


def _rows(path: Path) -> Iterator[dict[str, str]]:
    if path.exists():
        with path.open(newline="") as lines:
            yield from csv.DictReader(lines)
