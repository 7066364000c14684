"""``python -m loadtests.bench.presence``: everybody comes at once, and goes at once."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from loadtests.bench.durable.parts import running
from loadtests.bench.machine import Machine, this_machine
from loadtests.bench.presence.crowd import Crowd
from loadtests.bench.presence.pod import BenchPod
from loadtests.bench.presence.vital_signs import VitalSigns
from tests.waiting import until
from whatchat.adapters.mongo.store import MongoStore

CALM_SECONDS: Final = 3.0
LONGEST_SECONDS: Final = 300.0


class Storm(Struct, frozen=True, kw_only=True):
    """What one storm was like: ``people`` changed, ``statuses`` were told to their peers."""

    name: str
    people: int
    statuses: int
    seconds: float
    longest_stall_ms: float
    message_p50_ms: float
    message_p99_ms: float


class Report(Struct, frozen=True, kw_only=True):
    """A run: the pod while nobody comes, when all come, and when half of them go."""

    machine: Machine
    peers: int
    storms: tuple[Storm, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.bench.presence",
        description="Have everybody come at once, and go at once, over real MongoDB and Redis.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--people", type=int, default=10_000, help="how many come and go")
    parser.add_argument("--peers", type=int, default=10, help="direct rooms of each")
    parser.add_argument("--seconds", type=float, default=CALM_SECONDS, help="of calm before")
    parser.add_argument("--out", type=Path, default=Path("bench-results"), help="for the results")
    given = parser.parse_args(arguments)
    with running() as parts:
        crowd = Crowd(given.people, given.peers)
        report = asyncio.run(_run(crowd, parts.store_url, parts.redis_url, given.seconds))
    given.out.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(report), indent=2)
    (given.out / "presence.json").write_bytes(text + b"\n")
    (given.out / "presence.md").write_text(table(report), encoding="utf-8")
    sys.stdout.write(table(report))
    return 0


def table(report: Report) -> str:
    """The report in words."""
    head = "|  | " + " | ".join(one.name for one in report.storms) + " |\n"
    rule = "| --- |" + " --- |" * len(report.storms) + "\n"
    rows: Sequence[tuple[str, Callable[[Storm], str]]] = (
        ("people who came or went", lambda one: f"{one.people:,}"),
        ("statuses told to their peers", lambda one: f"{one.statuses:,}"),
        ("until all were told, s", lambda one: f"{one.seconds:.1f}"),
        ("longest stall of the loop, ms", lambda one: f"{one.longest_stall_ms:.0f}"),
        ("median ack latency beside it, ms", lambda one: f"{one.message_p50_ms:.1f}"),
        ("p99 ack latency beside it, ms", lambda one: f"{one.message_p99_ms:.1f}"),
    )
    body = [f"| {title} | {' | '.join(map(cell, report.storms))} |\n" for title, cell in rows]
    return head + rule + "".join(body)


async def _run(crowd: Crowd, store_url: str, redis_url: str, calm_seconds: float) -> Report:
    store = MongoStore(store_url)
    await store.open()
    await store.migrate()
    await store.close()
    await crowd.settle(store_url)
    async with AsyncExitStack() as opened:
        pod = BenchPod(opened)
        await pod.open(store_url, redis_url)
        await pod.connect(crowd.people)
        people = len(crowd.people)
        storms = (
            await _storm("calm", pod, lambda: None, 0, calm_seconds),
            await _storm("all come", pod, pod.come, people),
            await _storm("half go", pod, pod.go, (people + 1) // 2),
        )
    return Report(machine=this_machine(), peers=crowd.peers, storms=storms)


async def _storm(
    name: str, pod: BenchPod, begin: Callable[[], None], people: int, seconds: float = 0.0
) -> Storm:
    loop = asyncio.get_running_loop()
    told, statuses, start = _told(pod), pod.told, loop.time()
    async with VitalSigns(pod.say) as signs:
        begin()
        await asyncio.sleep(seconds)
        await until(lambda: _told(pod) >= told + people, seconds=LONGEST_SECONDS)
    return Storm(
        name=name,
        people=people,
        statuses=pod.told - statuses,
        seconds=loop.time() - start,
        longest_stall_ms=signs.longest_stall * 1000,
        message_p50_ms=signs.percentile(0.5) * 1000,
        message_p99_ms=signs.percentile(0.99) * 1000,
    )


def _told(pod: BenchPod) -> float:
    (counted,) = pod.metrics.presence_told.collect()
    return next(one.value for one in counted.samples if one.name.endswith("_total"))


if __name__ == "__main__":
    sys.exit(main())
