"""``python -m loadtests.bench.durable``: measure pods over MongoDB and Redis."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from loadtests.bench.durable.plan import Plan, Work
from loadtests.bench.durable.report import Report, report
from loadtests.bench.durable.run import run
from loadtests.bench.durable.tables import tables
from whatchat.entrypoints.server import raise_descriptor_limit

SPARE_DESCRIPTORS: Final = 1_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says; 1 if a work could not be done."""
    plan = _plan(arguments)
    if raise_descriptor_limit() < 2 * plan.connections + SPARE_DESCRIPTORS:
        sys.exit(f"{plan.connections} connections need more descriptors: see `ulimit -Hn`")
    found = report(plan, run(plan, _tell))
    _tell(f"\n{tables(found)}")
    write(found, plan.out)
    _tell(f"written to {plan.out}/")
    return 1 if found.failures else 0


def write(found: Report, out: Path) -> None:
    """Leave a report in a folder: for programs and for people."""
    out.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(found, enc_hook=str), indent=2)
    (out / "durable.json").write_bytes(text + b"\n")
    (out / "durable.md").write_text(tables(found), encoding="utf-8")


def _plan(arguments: Sequence[str] | None) -> Plan:
    usual = Plan()
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.bench.durable",
        description="Measure how pods accept and deliver over a real MongoDB and a real Redis.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--connections", type=int, default=usual.connections, help="clients of one pod")
    add("--rounds", type=int, default=usual.rounds, help="how often everything is done")
    add("--seconds", type=float, default=usual.seconds, help="how long each rate is held")
    add("--pressure", type=float, default=usual.pressure, help="factor on all rates")
    add("--work", default=",".join(Work), help="which works, with commas")
    add("--out", type=Path, default=usual.out, help="folder for the results")
    given = parser.parse_args(arguments)
    try:
        return Plan(
            connections=given.connections,
            rounds=given.rounds,
            seconds=given.seconds,
            pressure=given.pressure,
            works=tuple(map(Work, given.work.split(","))),
            out=given.out,
        )
    except ValueError as error:
        parser.error(str(error))


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
