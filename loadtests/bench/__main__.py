"""``python -m loadtests.bench``: compare the servers and write down what comes out."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from loadtests.bench.picture import picture
from loadtests.bench.plan import Plan, ServerName, Work
from loadtests.bench.report import Report, report
from loadtests.bench.run import run
from loadtests.bench.tables import tables
from whatchat.entrypoints.server import raise_descriptor_limit

SPARE_DESCRIPTORS: Final = 1_000

Name = TypeVar("Name", bound=StrEnum)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says; 1 if a server failed at a work."""
    plan = _plan(arguments)
    if raise_descriptor_limit() < plan.connections + SPARE_DESCRIPTORS:
        sys.exit(f"{plan.connections} connections need more descriptors: see `ulimit -Hn`")
    if plan.redis and shutil.which("redis-server") is None:
        sys.exit("--redis needs redis-server: run `make tools`")
    found = report(plan, run(plan, _tell))
    _tell(f"\n{tables(found)}")
    write(found, plan.out)
    _tell(f"written to {plan.out}/")
    return 1 if found.failures else 0


def write(found: Report, out: Path) -> None:
    """Leave a report in a folder: for programs, for people, and as a picture."""
    out.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(found, enc_hook=str), indent=2)
    name = found.plan.name
    (out / f"{name}.json").write_bytes(text + b"\n")
    (out / f"{name}.md").write_text(tables(found), encoding="utf-8")
    (out / f"{name}.svg").write_text(picture(found), encoding="utf-8")


def _plan(arguments: Sequence[str] | None) -> Plan:
    usual = Plan()
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.bench",
        description="Compare Socket.IO servers, each on one core, under the same load.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--connections", type=int, default=usual.connections, help="clients of each server")
    add("--rounds", type=int, default=usual.rounds, help="how often everything is done")
    add("--seconds", type=float, default=usual.seconds, help="how long each rate is held")
    add("--pressure", type=float, default=usual.pressure, help="factor on all rates")
    add("--servers", default=",".join(ServerName), help="which servers, with commas")
    add("--work", default=",".join(Work), help="which works, with commas")
    add("--redis", action="store_true", help="every server with its Redis adapter, and a Redis")
    add("--out", type=Path, default=usual.out, help="folder for the results")
    given = parser.parse_args(arguments)
    try:
        return Plan(
            connections=given.connections,
            rounds=given.rounds,
            seconds=given.seconds,
            pressure=given.pressure,
            servers=_names(given.servers, ServerName),
            works=_names(given.work, Work),
            redis=given.redis,
            out=given.out,
        )
    except ValueError as error:
        parser.error(str(error))


def _names(text: str, kind: type[Name]) -> tuple[Name, ...]:
    return tuple(map(kind, text.split(",")))


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
