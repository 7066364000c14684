"""``python -m loadtests.bench.debugging``: what looking into a pod adds to messages' latency.

One pod full of sockets takes the same messages three times a round: while nobody looks, while a
dashboard of every level is refreshed every five seconds, and while somebody asks ten times in a
row, again and again.
"""

import argparse
import http.client
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from loadtests.bench.durable.client import ContractClient
from loadtests.bench.durable.crowd import Crowd, settle
from loadtests.bench.load import Heard, Load
from loadtests.bench.people import SECRET
from loadtests.bench.process import SERVER_CORE, pinned
from tests.e2e.node_process import NodeProcess
from whatchat.domain.ids import message_id

TOKEN: Final = "an operator's token for the benchmark"
ROOM_SIZE: Final = 10
WARM_SECONDS: Final = 3.0
REFRESH_SECONDS: Final = 5.0
IN_A_ROW: Final = 10

NOBODY: Final = "nobody looks"
DASHBOARDS: Final = "dashboards, each level every 5 s"
TEN: Final = "ten of each level in a row, every second"
PAUSES: Final = {DASHBOARDS: (1, REFRESH_SECONDS), TEN: (IN_A_ROW, 1.0)}


class Plan(NamedTuple):
    """How much is done; ``rate`` is in messages a second, each to a room of ten."""

    connections: int
    rate: float
    seconds: float
    rounds: int


def main() -> int:
    """Measure, and print a table; ends with a word if a message was not taken."""
    plan = _plan()
    found: dict[str, list[Heard]] = {NOBODY: [], DASHBOARDS: [], TEN: []}
    asked: dict[str, int] = dict.fromkeys(found, 0)
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="whatchat-bench-")))
        url = f"sqlite:///{folder}/whatchat.db"
        crowd = Crowd("looked-at-", plan.connections, ROOM_SIZE)
        settle(url, crowd)
        pod = opened.enter_context(_pod(folder, url))
        load = Load(pod.port, ContractClient)
        opened.callback(load.close)
        load.connect(crowd.people())
        load.send(plan.rate, min(WARM_SECONDS, plan.seconds))
        for number in range(plan.rounds):
            names = list(found)
            for name in names[number % 3 :] + names[: number % 3]:
                heard, questions = _measured(pod.port, name, load, plan)
                found[name].append(heard)
                asked[name] += questions
    sys.stdout.write(table(found, asked))
    return 0


def table(found: dict[str, list[Heard]], asked: dict[str, int]) -> str:
    """Medians of the rounds, and in brackets the least and the most, as Markdown."""
    lines = ["|  | p50, ms | p99, ms | questions |", "| --- | --- | --- | --- |"]
    for name, heard in found.items():
        figures = (_figure([one.percentile_ms(percent) for one in heard]) for percent in (50, 99))
        lines.append(f"| {name} | {' | '.join(figures)} | {asked[name]} |")
    return "\n".join(lines) + "\n"


def ask_around(port: int, in_a_row: int, pause: float, counted: Any, over: Any) -> None:
    """Go from the pods down to a message, until it is over."""
    begun = 0.0
    while not over.wait(max(0.0, begun + pause - time.monotonic())):
        begun = time.monotonic()
        for _ in range(in_a_row):
            counted.value += sum(1 for _ in _levels(port))


def _levels(port: int) -> Iterator[Any]:
    """One answer of each level, that of the level above saying what is asked for."""
    pods = _asked(port, "/pods")
    yield pods
    yield _asked(port, f"/pods/{pods['pods'][0]['pod']}")
    rooms = _asked(port, "/rooms")
    yield rooms
    room = max(rooms["rooms"], key=lambda row: row["head"])
    room_id = room["roomId"]
    yield _asked(port, f"/rooms/{room_id}")
    yield _asked(port, "/sockets")
    sockets = _asked(port, f"/sockets?roomId={room_id}")
    yield sockets
    yield _asked(port, f"/sockets/{sockets['sockets'][0]['socket']}")
    if room["head"] > 1:  # what comes after its beginning are messages
        yield _asked(port, f"/messages/{message_id(room_id, room['head'])}")


def _asked(port: int, path: str) -> Any:
    """An answer; ends the process if there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        connection.request("GET", f"/debug{path}", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        sys.exit(f"/debug{path} was answered with {answer.status}: {body!r}")
    return json.loads(body)


def _measured(port: int, name: str, load: Load, plan: Plan) -> tuple[Heard, int]:
    """Send, while somebody looks or does not."""
    with _asking(port, name) as counted:
        heard = load.send(plan.rate, plan.seconds)
        questions = int(counted.value)
    if not heard.complete:
        sys.exit(f"of {heard.planned} messages {heard.acked} were accepted")
    if name != NOBODY and not questions:
        sys.exit("nobody was answered")
    return heard, questions


@contextmanager
def _asking(port: int, name: str) -> Iterator[Any]:
    """A process that looks into the pod, where somebody is to."""
    context = multiprocessing.get_context("spawn")
    counted, over = context.Value("i", 0), context.Event()
    if name not in PAUSES:
        yield counted
        return
    process = context.Process(target=ask_around, args=(port, *PAUSES[name], counted, over))
    process.start()
    deadline = time.monotonic() + 20
    while not counted.value and process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        yield counted
    finally:
        over.set()
        process.join()
        if process.exitcode:
            sys.exit("the debug API did not answer")


@contextmanager
def _pod(folder: Path, url: str) -> Iterator[NodeProcess]:
    env = {
        "WHATCHAT_STORE_URL": url,
        "WHATCHAT_JWT_SECRET": SECRET,
        "WHATCHAT_ADMIN_TOKEN": TOKEN,
        "WHATCHAT_RATE_LIMITS": "off",
    }
    pod = NodeProcess(folder, env)
    with pinned(SERVER_CORE):
        pod.start()
    try:
        yield pod
    finally:
        pod.kill()


def _figure(values: Sequence[float]) -> str:
    return f"{median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def _plan() -> Plan:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.bench.debugging",
        description=__doc__.partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=100, help="messages a second")
    parser.add_argument("--seconds", type=float, default=10, help="how long each part takes")
    parser.add_argument("--rounds", type=int, default=3)
    return Plan(**vars(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
