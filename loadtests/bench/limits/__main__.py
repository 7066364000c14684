"""``python -m loadtests.bench.limits``: what limits and audit add to a message's processor time.

Two pods over the same store take turns, one with both and one with neither.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from loadtests.bench.durable.client import ContractClient
from loadtests.bench.durable.crowd import Crowd, settle
from loadtests.bench.load import Load
from loadtests.bench.people import SECRET
from loadtests.bench.process import SERVER_CORE, cpu_seconds, pinned
from tests.e2e.node_process import NodeProcess
from tests.servers.mongod import ReplicaSet
from tests.servers.product_process import WHATCHAT
from tests.servers.redis_server import RedisServer

MOST_PER_CENT: Final = 15
WARM_SECONDS: Final = 3.0

BOTH: Final = "with limits and audit"
NEITHER: Final = "with neither"
PROGRAMS: Final[Mapping[str, Sequence[str]]] = {
    BOTH: WHATCHAT,
    NEITHER: (str(Path(__file__).with_name("without.py")),),
}


class Plan(NamedTuple):
    """How much is done; ``rate`` is in messages a second."""

    connections: int
    rate: float
    seconds: float
    rounds: int


class Cost(NamedTuple):
    """What one pod spent on a message in each round, in microseconds."""

    both: Sequence[float]
    neither: Sequence[float]

    @property
    def added(self) -> Sequence[float]:
        """What limits and audit added in each round, in per cent."""
        pairs = zip(self.both, self.neither, strict=True)
        return [100 * (both / neither - 1) for both, neither in pairs]


def main() -> int:
    """Measure over each store, and print a table; 1 if a message was not taken."""
    plan = _plan()
    found: dict[str, Cost] = {}
    with tempfile.TemporaryDirectory(prefix="whatchat-bench-") as folder:
        with _alone(Path(folder)) as urls:
            found["SQLite"] = _measure(Path(folder), urls, plan)
        with _together(Path(folder)) as urls:
            found["MongoDB and Redis"] = _measure(Path(folder), urls, plan)
    sys.stdout.write(table(found))
    return 0


def table(found: Mapping[str, Cost]) -> str:
    """Medians, and in brackets the least and the most, as Markdown."""
    lines = [
        f"|  | {NEITHER}, µs | {BOTH}, µs | added, % | wanted | met |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for store, cost in found.items():
        met = "yes" if median(cost.added) <= MOST_PER_CENT else "no"
        figures = (_figure(values) for values in (cost.neither, cost.both, cost.added))
        lines.append(f"| {store} | {' | '.join(figures)} | ≤ {MOST_PER_CENT} | {met} |")
    return "\n".join(lines) + "\n"


def _figure(values: Sequence[float]) -> str:
    return f"{median(values):.0f} ({min(values):.0f} to {max(values):.0f})"


def _measure(folder: Path, urls: Mapping[str, Mapping[str, str]], plan: Plan) -> Cost:
    """Send to both pods in turns."""
    with ExitStack() as opened:
        pods, loads = dict[str, NodeProcess](), dict[str, Load]()
        for name, env in urls.items():
            crowd = Crowd(f"{'both' if name == BOTH else 'neither'}-", plan.connections, 2)
            settle(env["WHATCHAT_STORE_URL"], crowd)
            pods[name] = opened.enter_context(_pod(folder, name, env))
            loads[name] = Load(pods[name].port, ContractClient)
            opened.callback(loads[name].close)
            loads[name].connect(crowd.people())
        for load in loads.values():
            load.send(plan.rate, min(WARM_SECONDS, plan.seconds))
        spent: dict[str, list[float]] = {BOTH: [], NEITHER: []}
        for number in range(plan.rounds):
            for name in (BOTH, NEITHER) if number % 2 else (NEITHER, BOTH):
                spent[name].append(_spent(pods[name], loads[name], plan))
    return Cost(spent[BOTH], spent[NEITHER])


def _spent(pod: NodeProcess, load: Load, plan: Plan) -> float:
    """Microseconds of a pod for each message."""
    before = cpu_seconds(pod.pid)
    heard = load.send(plan.rate, plan.seconds)
    if not heard.complete:
        sys.exit(f"of {heard.planned} messages {heard.acked} were accepted")
    return (cpu_seconds(pod.pid) - before) * 1e6 / heard.acked


@contextmanager
def _pod(folder: Path, name: str, env: Mapping[str, str]) -> Iterator[NodeProcess]:
    place = Path(tempfile.mkdtemp(dir=folder))
    limits = {"WHATCHAT_RATE_LIMITS": "on" if name == BOTH else "off"}
    common = {"WHATCHAT_JWT_SECRET": SECRET}
    pod = NodeProcess(place, {**env, **limits, **common}, program=PROGRAMS[name])
    with pinned(SERVER_CORE):
        pod.start()
    try:
        yield pod
    finally:
        pod.kill()


@contextmanager
def _alone(folder: Path) -> Iterator[Mapping[str, Mapping[str, str]]]:
    """A file for each pod."""
    yield {
        name: {"WHATCHAT_STORE_URL": f"sqlite:///{folder}/{number}.db"}
        for number, name in enumerate(PROGRAMS)
    }


@contextmanager
def _together(folder: Path) -> Iterator[Mapping[str, Mapping[str, str]]]:
    """A replica set of one and a Redis, for both pods."""
    mongo, redis = ReplicaSet(folder / "mongo"), RedisServer(folder / "redis")
    mongo.start()
    redis.start()
    try:
        env = {
            "WHATCHAT_STORE_URL": mongo.url("whatchat"),
            "WHATCHAT_REDIS_URL": redis.url,
        }
        yield dict.fromkeys(PROGRAMS, env)
    finally:
        redis.kill()
        mongo.stop()


def _plan() -> Plan:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.bench.limits",
        description=__doc__.partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--rate", type=float, default=400, help="messages a second")
    parser.add_argument("--seconds", type=float, default=8, help="how long each round takes")
    parser.add_argument("--rounds", type=int, default=5)
    return Plan(**vars(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
