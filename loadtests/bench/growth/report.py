"""All that a run has found, as it is kept."""

from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from loadtests.bench.growth.plan import Plan, Work
from loadtests.bench.growth.run import Outcome
from loadtests.bench.growth.samples import Failure, Point, Series
from loadtests.bench.machine import Machine, this_machine

_PACKAGES: Final = ("pymongo", "hiredis", "uvloop", "picows")


class Report(Struct, frozen=True, kw_only=True):
    """Where a run was made, what it was to do, and every point of every curve."""

    machine: Machine
    versions: dict[str, str]
    plan: Plan
    points: list[Point]
    failures: list[Failure]

    def of(self, work: Work, series: Series) -> list[Point]:
        """The points of a curve."""
        return [one for one in self.points if (one.work, one.series) == (work, series)]


def report(plan: Plan, outcome: Outcome) -> Report:
    """What a run on this machine came to."""
    return Report(
        machine=this_machine(),
        versions=outcome.versions | {name: version(name) for name in _PACKAGES},
        plan=plan,
        points=outcome.points,
        failures=outcome.failures,
    )


def written(found: Report, path: Path) -> None:
    """Keep a report in a file, one point on a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.encode(found, enc_hook=str).replace(b'{"round":', b'\n{"round":')
    path.write_bytes(text + b"\n")


def read(path: Path) -> Report:
    """A report that was kept."""
    return msgspec.json.decode(path.read_bytes(), type=Report, dec_hook=_decoded)


def _decoded(kind: type, value: Any) -> Any:
    return kind(value)
