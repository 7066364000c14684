"""``python -m tests.chaos``: break one thing after the other, and see that nothing is lost."""

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop

from loadtests.page import put
from tests.chaos.fault import Fault
from tests.chaos.faults.catalogue import FAULTS
from tests.chaos.outcome import Outcome
from tests.chaos.table import table
from tests.chaos.trial import Plan, trial
from whatchat.entrypoints.server import raise_descriptor_limit

SHOWN_PROBLEMS = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says; 1 if there was any problem."""
    given = _arguments(arguments)
    raise_descriptor_limit()
    logging.disable(logging.WARNING)  # clients that lose their connections are what this is about
    folder = given.dir or Path(tempfile.mkdtemp(prefix="whatchat-chaos-"))
    _tell(f"Logs and journals are in {folder}")
    plan = Plan(given.clients, given.rate)
    outcomes = [_tried(fault, plan, folder) for fault in given.fault]
    found = table(outcomes)
    _tell(f"\n{found}")
    if given.out:
        put(found, given.out, "table")
    failed = any(outcome.problems for outcome in outcomes)
    if not failed and given.dir is None:
        shutil.rmtree(folder)
    return int(failed)


def _tried(fault: Fault, plan: Plan, folder: Path) -> Outcome:
    _tell(f"{fault.name}")
    place = folder / "".join(letter if letter.isalnum() else "-" for letter in fault.name)
    place.mkdir(parents=True)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            outcome = runner.run(trial(fault, plan, place, lambda text: _tell(f"  {text}")))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other faults have their turn
        outcome = Outcome.unfinished(fault.name, plan.clients or fault.needs.clients, error)
    counted = f"{outcome.accepted} accepted, {outcome.changed} changes"
    _tell(f"  {counted}, converged after {outcome.converged:.1f} s")
    for problem in outcome.problems[:SHOWN_PROBLEMS]:
        _tell(f"  {problem}")
    if len(outcome.problems) > SHOWN_PROBLEMS:
        _tell(f"  and {len(outcome.problems) - SHOWN_PROBLEMS} more")
    return outcome


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    usual = Plan()
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Break one thing at a time under load, and see that nothing is lost.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--fault", type=_named, default=FAULTS, help="which, with commas between: parts of names")
    add("--clients", type=int, help="how many people, in place of what each fault needs")
    add("--rate", type=float, default=usual.per_second, help="messages a second, of all together")
    add("--out", type=Path, help="page whose table is renewed, or made")
    add("--dir", type=Path, help="empty folder for logs and journals, which stay")
    return parser.parse_args(arguments)


def _named(names: str) -> Sequence[Fault]:
    """The faults in whose names these words are."""
    found: list[Fault] = []
    for name in names.split(","):
        meant = [fault for fault in FAULTS if name.strip().casefold() in fault.name.casefold()]
        if not meant:
            known = "; ".join(fault.name for fault in FAULTS)
            raise argparse.ArgumentTypeError(f"no fault is called {name!r}, of: {known}")
        found += (fault for fault in meant if fault not in found)
    return found


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
