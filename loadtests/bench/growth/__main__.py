"""``python -m loadtests.bench.growth``: measure how cost grows, or draw what was measured."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from loadtests.bench.growth.page import DOCS, redraw
from loadtests.bench.growth.plan import CONNECTIONS, Plan, Work
from loadtests.bench.growth.report import report, written
from loadtests.bench.growth.run import run
from whatchat.entrypoints.server import raise_descriptor_limit

SPARE_DESCRIPTORS: Final = 1_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says; 1 if a curve could not be measured."""
    plan, redraws = _plan(arguments)
    if redraws:
        for path in redraw(DOCS, DOCS):
            _tell(str(path))
        return 0
    most = plan.sizes(CONNECTIONS)[-1]
    if raise_descriptor_limit() < most + SPARE_DESCRIPTORS:
        sys.exit(f"{most} connections need more descriptors: see `ulimit -Hn`")
    found = report(plan, run(plan, _tell))
    written(found, plan.out / "growth.json")
    _tell(f"written to {plan.out}/growth.json")
    return 1 if found.failures else 0


def _plan(arguments: Sequence[str] | None) -> tuple[Plan, bool]:
    parser = _parser(Plan())
    given = parser.parse_args(arguments)
    try:
        plan = Plan(
            rounds=given.rounds,
            seconds=given.seconds,
            rest=given.rest,
            scale=given.scale,
            shared=given.shared,
            pods=tuple(map(int, given.pods.split(","))),
            room_sizes=tuple(map(int, given.room_sizes.split(","))),
            works=tuple(map(Work, given.work.split(","))),
            out=given.out,
        )
    except ValueError as error:
        parser.error(str(error))
    return plan, given.redraw


def _parser(usual: Plan) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.bench.growth",
        description="Measure how cost grows, over a real MongoDB and a real Redis.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--rounds", type=int, default=usual.rounds, help="how often everything is done")
    add("--seconds", type=float, default=usual.seconds, help="how long each rate is held")
    add("--rest", type=float, default=usual.rest, help="how long idle connections are watched")
    add("--scale", type=float, default=usual.scale, help="factor on people, rooms and rates")
    add("--pods", default=_listed(usual.pods), help="numbers of pods, with commas")
    add("--room-sizes", default=_listed(usual.room_sizes), help="people to a room, with commas")
    add("--work", default=_listed(Work), help="which curves, with commas")
    add("--shared", action="store_true", help="one MongoDB and one Redis for all: for trying out")
    add("--out", type=Path, default=usual.out, help="folder for the results")
    add("--redraw", action="store_true", help="draw docs/scaling.json anew, and measure nothing")
    return parser


def _listed(values: Sequence[object] | type[Work]) -> str:
    return ",".join(map(str, values))


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
