"""``python -m tests.rollout``: replace all pods under load, and see that nobody notices."""

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

from loadtests.page import put
from tests.rollout.figures import Figures
from tests.rollout.report import table
from tests.rollout.site import Shape, Values
from tests.rollout.trial import Plan, rollout
from tests.servers.by_hand import arguments, tell
from whatchat.entrypoints.server import raise_descriptor_limit

SHOWN: Final = 20

SHORT: Final[Values] = {
    "config": {"drainSeconds": 4},
    "server": {"preStopSeconds": 3, "minReadySeconds": 2},
}
"""Times with which all goes through in half a minute."""

SHORT_DELAY: Final = 3.0

RUNS: Final = {
    "update": "Rolling update",
    "rollback": "Rolled back halfway",
    "fenced": "Update, cookies kept while serving",
}
"""What is done, and how the report calls it: the last with a proxy that keeps clients on a pod
that ends while its readiness probe passes."""


def main(given: Sequence[str] | None = None) -> int:
    """Run what the command line says; 1 if anything at all was wrong."""
    asked = _arguments(given)
    raise_descriptor_limit()
    logging.disable(logging.WARNING)  # clients that lose their connections are what this is about
    folder = asked.dir or Path(tempfile.mkdtemp(prefix="whatchat-rollout-"))
    tell(f"Logs and journals are in {folder}")
    columns: list[Figures] = []
    for run in asked.run:
        columns.append(_done(run, asked, folder / run))
        if asked.out:
            put(table(columns), asked.out, "rollout")
    tell(f"\n{table(columns)}")
    failed = any(one.troubles() for one in columns)
    if not failed and asked.dir is None:
        shutil.rmtree(folder)
    return int(failed)


def _done(run: str, asked: argparse.Namespace, folder: Path) -> Figures:
    tell(RUNS[run])
    folder.mkdir(parents=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(rollout(_plan(run, asked), folder, lambda text: tell(f"  {text}")))
    troubles = figures.troubles()
    for trouble in troubles[:SHOWN]:
        tell(f"  {trouble}")
    if len(troubles) > SHOWN:
        tell(f"  and {len(troubles) - SHOWN} more")
    return figures


def _plan(run: str, asked: argparse.Namespace) -> Plan:
    delay = min(asked.delay, SHORT_DELAY) if asked.short else asked.delay
    shape = Shape(
        SHORT if asked.short else {},
        replicas=asked.pods,
        delay=(0.0, delay),
        sticky="serving" if run == "fenced" else "gone",
        balance=asked.balance,
    )
    load = asked.people, asked.rate, asked.doors, asked.stock
    return Plan(RUNS[run], shape, *load, back=run == "rollback")


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    usual, shape = Plan("", Shape({})), Shape({})
    parser = arguments(
        "tests.rollout",
        "Replace all pods and workers as Kubernetes would, by what the chart renders, while people "
        "talk and others come.",
    )
    add = parser.add_argument
    add("--run", type=_runs, default=list(RUNS), help=f"of {', '.join(RUNS)}: commas between")
    add("--pods", type=int, default=shape.replicas, help="how many")
    add("--people", type=int, default=usual.people, help="how many talk; 0: nobody does")
    add("--rate", type=float, default=usual.rate, help="messages a second, of all together")
    add("--doors", type=float, default=usual.doors, help="newcomers a second, of each kind")
    add("--stock", type=int, default=usual.stock, help="how many stock clients stay")
    add("--delay", type=float, default=shape.delay[1], help="most seconds until the proxy knows")
    add("--balance", default=shape.balance, help="how the proxy chooses, in HAProxy's words")
    add("--short", action="store_true", help="short times in place of the chart's")
    add("--out", type=Path, help="page whose report is renewed, or made")
    return parser.parse_args(given)


def _runs(names: str) -> list[str]:
    found = [name.strip() for name in names.split(",")]
    for name in found:
        if name not in RUNS:
            raise argparse.ArgumentTypeError(f"no run is called {name!r}, of: {', '.join(RUNS)}")
    return found


if __name__ == "__main__":
    sys.exit(main())
