"""What a hostile half does to the good half's latency: ``python -m loadtests.hostile``.

One node; good clients that each say something in a room now and then; in turn without and
with as many hostile ones beside them, in a process of their own, several rounds in one run.
Prints medians over the rounds, and writes every round's figures as JSON.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from tests.e2e.hostile.crowd import Outcome, besiege
from tests.e2e.hostile.kind import CROWDED, CROWDED_SECONDS
from tests.e2e.hostile.line import Target
from tests.e2e.hostile.neighbour import Neighbour, arrive, neighbours
from tests.e2e.hostile.scene import FILLING, fill, pairs, targets
from tests.e2e.hostile.vital_signs import VitalSigns
from tests.e2e.node_process import NodeProcess
from whatchat.entrypoints.server import raise_descriptor_limit

PAIRS: Final = 20
SETTLE_SECONDS: Final = 3.0


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """How much of what, and for how long."""

    good: int
    hostile: int
    every_seconds: float
    seconds: float
    rounds: int


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of a run, times in milliseconds; the node's memory in MiB, at its end."""

    answers: int
    p50: float
    p99: float
    worst: float
    cpu_percent: float
    resident: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A run: one stretch without and one with the hostile half per round."""

    load: Load
    quiet: list[Figures]
    besieged: list[Figures]
    dropped: int
    refused: int
    attacks: int
    late: int
    wrong: dict[str, int]


class Bench(NamedTuple):
    """What is measured, and what is let loose on it."""

    load: Load
    them: list[Neighbour]
    signs: VitalSigns
    hostile: list[Target]


async def main(load: Load) -> Report:
    """Run it all on a node of its own."""
    raise_descriptor_limit()
    with tempfile.TemporaryDirectory() as folder:
        node = NodeProcess(Path(folder), CROWDED)
        node.start()
        try:
            return await _run(node, load)
        finally:
            await asyncio.to_thread(node.close)


async def _run(node: NodeProcess, load: Load) -> Report:
    good, hostile = await pairs(node, PAIRS), await pairs(node, PAIRS)
    await fill(node, hostile[0], FILLING)
    them = neighbours(node, good, load.good, every=load.every_seconds)
    bench = Bench(load, them, VitalSigns(node.pid), targets(node, hostile))
    async with _living(them):
        return await _rounds(bench)


async def _rounds(bench: Bench) -> Report:
    quiet, besieged, outcomes = [], [], []
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        for _ in range(bench.load.rounds):
            await asyncio.sleep(SETTLE_SECONDS)
            quiet.append(await _measure(bench))
            time = bench.load.seconds + 2 * SETTLE_SECONDS
            siege = (bench.hostile, bench.load.hostile, time, CROWDED_SECONDS)
            crowd = loop.run_in_executor(process, besiege, *siege)
            await asyncio.sleep(SETTLE_SECONDS)
            besieged.append(await _measure(bench))
            outcomes.append(await crowd)
    return _report(bench, quiet, besieged, outcomes)


def _report(
    bench: Bench, quiet: list[Figures], besieged: list[Figures], outcomes: list[Outcome]
) -> Report:
    names = {name for outcome in outcomes for name in outcome.wrong}
    return Report(
        load=bench.load,
        quiet=quiet,
        besieged=besieged,
        dropped=sum(one.dropped is not None for one in bench.them),
        refused=sum(len(one.refusals) for one in bench.them),
        attacks=sum(outcome.attacks for outcome in outcomes),
        late=sum(outcome.late for outcome in outcomes),
        wrong={name: sum(one.wrong.get(name, 0) for one in outcomes) for name in sorted(names)},
    )


@asynccontextmanager
async def _living(them: list[Neighbour]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        lives = await arrive(tasks, them)
        yield
        for life in lives:
            life.cancel()


async def _measure(bench: Bench) -> Figures:
    for one in bench.them:
        one.latencies.clear()
    before = bench.signs.cpu_seconds
    await asyncio.sleep(bench.load.seconds)
    spent = bench.signs.cpu_seconds - before
    waited = sorted(1000 * latency for one in bench.them for latency in one.latencies)
    cuts = statistics.quantiles(waited, n=100)
    return Figures(
        answers=len(waited),
        p50=round(cuts[49], 2),
        p99=round(cuts[98], 2),
        worst=round(max(waited[-1], *(1000 * one.waiting for one in bench.them)), 2),
        cpu_percent=round(100 * spent / bench.load.seconds, 1),
        resident=round(bench.signs.resident, 1),
    )


def table(report: Report) -> str:
    """The medians, side by side."""
    load = report.load
    lines = [
        f"{load.good} good clients, {load.hostile} hostile ones; median of {load.rounds} rounds",
        f"{'':20}{'without':>10}{'with':>10}{'ratio':>8}",
    ]
    for name, title in {
        "p50": "p50, ms",
        "p99": "p99, ms",
        "worst": "worst, ms",
        "answers": "answers",
        "cpu_percent": "CPU of the node, %",
        "resident": "memory, MiB",
    }.items():
        without, beside = _median(report.quiet, name), _median(report.besieged, name)
        ratio = beside / without if without else float("nan")
        lines.append(f"{title:20}{without:10.1f}{beside:10.1f}{ratio:8.2f}")
    lines.append(f"good clients dropped {report.dropped}, refused {report.refused}")
    lines.append(f"attacks {report.attacks}, dealt with late {report.late},")
    lines.append("and otherwise than by the contract:")
    lines += [f"  {count:6} x {name}" for name, count in report.wrong.items()] or ["  none"]
    return "\n".join(lines)


def _median(figures: list[Figures], name: str) -> float:
    return statistics.median([float(getattr(one, name)) for one in figures])


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.hostile", description=__doc__)
    parser.add_argument("--good", type=int, default=500)
    parser.add_argument("--hostile", type=int, default=500)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between messages")
    parser.add_argument("--seconds", type=float, default=15.0, help="length of each stretch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="where to write every figure")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    given = _arguments(sys.argv[1:])
    report = asyncio.run(
        main(
            Load(
                good=given.good,
                hostile=given.hostile,
                every_seconds=given.every,
                seconds=given.seconds,
                rounds=given.rounds,
            )
        )
    )
    sys.stdout.write(table(report) + "\n")
    encoded = msgspec.json.format(msgspec.json.encode(report))
    if given.json:
        given.json.write_bytes(encoded + b"\n")
    else:
        sys.stdout.write(encoded.decode() + "\n")
