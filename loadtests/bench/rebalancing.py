"""``python -m loadtests.bench.rebalancing``: how long pods that were added take to get their share.

Half of the pods take all sockets, through HAProxy by least connections; then the others start.
Half of the clients keep the proxy's cookie, which brings them back to where they were; meanwhile
people talk, and all that was accepted is compared with what each of them heard.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import quantiles
from typing import Final, NamedTuple

import httpx

from loadtests.bench.people import SECRET
from tests.e2e.node_process import NodeProcess
from tests.integration.pods.crowd import Crowd
from tests.integration.pods.test_rebalancing import listen, talk, tokens
from tests.servers.haproxy import HAProxy
from tests.servers.mongod import ReplicaSet
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.client import WhatchatClient

TALKERS: Final = 8
PASSWORD: Final = "correct horse battery staple"
EVERY_SECONDS: Final = 15.0
LEVEL: Final = 1.3
DEADLINE_SECONDS: Final = 900.0


class Found(NamedTuple):
    """``rows``: seconds since the pods were added, and each pod's sockets."""

    rows: list[tuple[float, list[int]]]
    level_after: float
    sent: int
    missed: int
    repeated: int
    absences: list[float]
    refused: int
    moved_twice: int


def main() -> int:
    """Measure, and print what was found; 1 if anything was lost or it did not become level."""
    plan = _plan()
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="whatchat-bench-")))
        pods, proxy = _started(opened, folder, plan)
        found = asyncio.run(_measured(plan, pods, proxy.url))
    sys.stdout.write(report(found))
    return int(bool(found.missed or found.repeated) or found.level_after < 0)


def report(found: Found) -> str:
    """Markdown."""
    names = [f"pod {number}" for number in range(1, len(found.rows[0][1]) + 1)]
    lines = [f"| seconds | {' | '.join(names)} | most / mean |", "| --- " * (len(names) + 2) + "|"]
    for at, counts in found.rows:
        most = max(counts) * len(counts) / max(1, sum(counts))
        lines.append(f"| {at:.0f} | {' | '.join(map(str, counts))} | {most:.2f} |")
    cuts = quantiles(found.absences or [0.0, 0.0], n=100)
    return "\n".join(
        [
            *lines,
            "",
            f"- within {LEVEL} times the mean after {found.level_after:.0f} s",
            f"- reconnects: {len(found.absences)}, clients more than once: {found.moved_twice}",
            f"- absent: p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms",
            f"- handshakes refused to a client: {found.refused}",
            f"- messages accepted: {found.sent}, missed: {found.missed}, twice: {found.repeated}",
            "",
        ]
    )


async def _measured(plan: argparse.Namespace, pods: Sequence[NodeProcess], url: str) -> Found:
    half = len(pods) // 2
    crowd = Crowd(url, await tokens(url, plan.sockets))
    await crowd.come()
    talkers = [
        await WhatchatClient.register(url, f"talker.{number}", PASSWORD)
        for number in range(TALKERS)
    ]
    for talker in talkers:
        await talker.connect()
    room = await talkers[0].create_room("Two to four", [one.user.id for one in talkers[1:]])
    heard: list[list[str]] = [[] for _ in talkers]
    over = asyncio.Event()
    listening = [
        asyncio.create_task(listen(one.events(), into))
        for one, into in zip(talkers, heard, strict=True)
    ]
    talking = [asyncio.create_task(talk(one, room.id, over)) for one in talkers[:4]]
    for pod in pods[half:]:
        await asyncio.to_thread(pod.start)
    rows, level_after = await _watched(pods, plan.sockets)
    over.set()
    said = [content for each in await asyncio.gather(*talking) for content in each]
    with suppress(AssertionError):  # what is missing is counted
        await until(lambda: all(len(set(one)) >= len(said) for one in heard), seconds=20)
    await crowd.go()
    for talker in talkers:
        await talker.close()
    await asyncio.gather(*listening)
    return Found(
        rows,
        level_after,
        len(said),
        sum(len(set(said) - set(one)) for one in heard),
        sum(len(one) - len(set(one)) for one in heard),
        crowd.all_of(lambda member: member.absences),
        len(crowd.all_of(lambda member: member.refused)),
        sum(len(member.absences) > 1 for member in crowd.members),
    )


async def _watched(
    pods: Sequence[NodeProcess], sockets: int
) -> tuple[list[tuple[float, list[int]]], float]:
    """The counts over time until nothing moves any more, and when they were level."""
    began, level_after = time.monotonic(), -1.0
    rows: list[tuple[float, list[int]]] = []
    while (at := time.monotonic() - began) < DEADLINE_SECONDS:
        counts = await asyncio.gather(*(_sockets(pod) for pod in pods))
        if level_after < 0 and max(counts) <= LEVEL * sockets / len(pods):
            level_after = at
        rows.append((at, list(counts)))
        if level_after >= 0 and at > level_after + 2 * EVERY_SECONDS:
            break
        await asyncio.sleep(EVERY_SECONDS)
    return rows, level_after


async def _sockets(pod: NodeProcess) -> int:
    async with httpx.AsyncClient() as http:
        lines = (await http.get(f"{pod.url}/metrics")).text.splitlines()
    found = (line for line in lines if line.startswith("whatchat_connected_sockets{"))
    return sum(round(float(line.rpartition(" ")[2])) for line in found)


def _started(
    opened: ExitStack, folder: Path, plan: argparse.Namespace
) -> tuple[list[NodeProcess], HAProxy]:
    """All servers but the latter half of the pods."""
    mongo, redis = ReplicaSet(folder / "mongo", nodes=1), RedisServer(folder / "redis")
    for server in (mongo, redis):
        server.start()
        opened.callback(server.stop)
    env = {
        "WHATCHAT_STORE_URL": mongo.url("whatchat"),
        "WHATCHAT_REDIS_URL": redis.url,
        "WHATCHAT_JWT_SECRET": SECRET,
        "WHATCHAT_TRUSTED_PROXIES": "127.0.0.1/32",
        "WHATCHAT_REBALANCE_PER_MINUTE": str(plan.per_minute),
    }
    pods = []
    for number in range(1, plan.pods + 1):
        home = folder / f"pod-{number}"
        home.mkdir()
        pods.append(NodeProcess(home, env))
        opened.callback(pods[-1].close)
    for pod in pods[: plan.pods // 2]:
        pod.start()
    proxy = HAProxy(folder, [f"127.0.0.1:{pod.port}" for pod in pods])
    opened.callback(proxy.stop)
    proxy.start()
    return pods, proxy


def _plan() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.bench.rebalancing",
        description=__doc__.partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--sockets", type=int, default=2_000)
    parser.add_argument("--pods", type=int, default=4, help="half of them are added")
    parser.add_argument("--per-minute", type=int, default=600, help="what a pod may send away")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
