"""``python -m loadtests.bench.durable``: measure pods over MongoDB and Redis, and compare them."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from loadtests.bench.durable.picture import picture
from loadtests.bench.durable.plan import Plan, Work
from loadtests.bench.durable.report import Report, report
from loadtests.bench.durable.run import run
from loadtests.bench.durable.stacks import STACKS
from loadtests.bench.durable.tables import tables
from loadtests.bench.plan import ServerName
from loadtests.page import put
from whatchat.entrypoints.server import raise_descriptor_limit

SPARE_DESCRIPTORS: Final = 1_000

MOST_SOCKETS: Final = 3
"""So many times more are open at a time, in the work that opens most."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says; 1 if a work could not be done."""
    plan = _plan(arguments)
    if raise_descriptor_limit() < MOST_SOCKETS * plan.connections + SPARE_DESCRIPTORS:
        sys.exit(f"{plan.connections} connections need more descriptors: see `ulimit -Hn`")
    if ServerName.NODE in plan.servers and shutil.which("node") is None:
        sys.exit("the Node stack needs Node.js 20.19 or later")
    found = report(plan, run(plan, _tell))
    _tell(f"\n{tables(found)}")
    write(found, plan.out)
    _tell(f"written to {plan.out}/")
    if plan.page is not None:
        publish(found, plan.page)
    return 1 if found.failures else 0


def write(found: Report, out: Path) -> None:
    """Leave a report in a folder: for programs, for people, and a comparison as a picture."""
    out.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(found, enc_hook=str), indent=2)
    name = found.plan.name
    (out / f"{name}.json").write_bytes(text + b"\n")
    (out / f"{name}.md").write_text(tables(found), encoding="utf-8")
    if found.plan.compares:
        (out / f"{name}.svg").write_text(picture(found), encoding="utf-8")


def publish(found: Report, page: Path) -> None:
    """Put the tables into their place in a page, with the picture beside it."""
    name, text = found.plan.name, tables(found)
    if found.plan.compares:
        page.with_name(f"{name}.svg").write_text(picture(found), encoding="utf-8")
        text = f"![Whatchat and a plain Node stack, figure by figure]({name}.svg)\n\n{text}"
    put(text, page, name)


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
    add("--servers", default=ServerName.OURS.value, help=f"of {', '.join(STACKS)}, with commas")
    add("--work", default=",".join(Work), help="which works, with commas")
    add("--out", type=Path, default=usual.out, help="folder for the results")
    add("--page", type=Path, help="page in which to put the tables, and a picture beside it")
    given = parser.parse_args(arguments)
    try:
        return Plan(
            connections=given.connections,
            rounds=given.rounds,
            seconds=given.seconds,
            pressure=given.pressure,
            servers=_servers(given.servers),
            works=tuple(map(Work, given.work.split(","))),
            out=given.out,
            page=given.page,
        )
    except ValueError as error:
        parser.error(str(error))


def _servers(text: str) -> tuple[ServerName, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    if unknown := [name for name in names if name not in STACKS]:
        raise ValueError(f"no such server: {', '.join(unknown)}")
    return tuple(map(ServerName, names))


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
