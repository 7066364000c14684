"""``python -m loadtests.bench.users``: what a person of a load test costs who plays it.

Our own people and Locust's ``SocketIOUser`` take turns at the same node, with the same rooms and
messages: processor time for each delivery, and memory for each connection.
"""

import argparse
import asyncio
import csv
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from loadtests.bench.process import cpu_seconds, resident_bytes
from loadtests.bench.program import CannotStart, ended
from loadtests.swarm.cast import Cast, Layout
from loadtests.swarm.seeding import seed
from tests.e2e.node_process import NodeProcess

ROOT: Final = Path(__file__).parents[3]
KINDS: Final = {"ours": "delivery", "locust.contrib.socketio": "WSR"}
FILES: Final = {"ours": "lean.py", "locust.contrib.socketio": "stock.py"}
SETTLE_SECONDS: Final = 2
END_SECONDS: Final = 40


class Cost(NamedTuple):
    """What one process took to play everybody."""

    deliveries: int
    cpu_seconds: float
    bytes_each: float

    @property
    def us_each(self) -> float:
        """Processor time for each delivery, all that goes with it included."""
        return 1_000_000 * self.cpu_seconds / max(1, self.deliveries)


def main() -> int:
    """Measure, and print a table."""
    given = _given()
    found: dict[str, list[Cost]] = {name: [] for name in FILES}
    secret = secrets.token_hex(32)
    with tempfile.TemporaryDirectory(prefix="whatchat-bench-") as folder:
        node = NodeProcess(Path(folder), {"WHATCHAT_JWT_SECRET": secret})
        node.start()
        try:
            cast = Cast(given.users, shards=1, layout=Layout.ZIPF)
            store = f"sqlite:///{node.data_dir}/whatchat.db"
            asyncio.run(seed(store, cast, "", lambda _: None))
            for _ in range(given.rounds):
                for name, costs in found.items():
                    costs.append(_measured(name, node.url, secret, Path(folder), given))
        finally:
            node.close()
    sys.stdout.write(table(found))
    return 0


def table(found: dict[str, list[Cost]]) -> str:
    """Medians, as Markdown."""
    lines = [
        "| people | deliveries | CPU per delivery, µs | memory per connection, KB |",
        "| --- | --- | --- | --- |",
    ]
    for name, costs in found.items():
        deliveries = median(cost.deliveries for cost in costs)
        cpu = median(cost.us_each for cost in costs)
        memory = median(cost.bytes_each for cost in costs) / 1024
        lines.append(f"| {name} | {deliveries:,.0f} | {cpu:,.0f} | {memory:,.1f} |")
    return "\n".join(lines) + "\n"


def _measured(name: str, host: str, secret: str, folder: Path, given: argparse.Namespace) -> Cost:
    process = subprocess.Popen(
        _command(name, host, folder, given),
        cwd=ROOT,
        env=os.environ | {"WHATCHAT_JWT_SECRET": secret},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with ended(process):
        _await_line(process, "Ramping to")
        empty = resident_bytes(process.pid)
        _await_line(process, "All users spawned")
        before = cpu_seconds(process.pid)
        time.sleep(1)
        full = resident_bytes(process.pid)
        time.sleep(given.seconds + SETTLE_SECONDS - 1)
        spent = cpu_seconds(process.pid) - before
        process.terminate()
        process.communicate(timeout=END_SECONDS)
    deliveries = _deliveries(folder / f"{FILES[name]}_stats.csv", KINDS[name])
    return Cost(deliveries, spent, (full - empty) / given.users)


def _command(name: str, host: str, folder: Path, given: argparse.Namespace) -> Sequence[str]:
    return [
        *(sys.executable, "-m", "locust", "-f", f"loadtests/bench/users/{FILES[name]}"),
        *("--headless", "--only-summary", "-H", host, "-u", str(given.users), "-r", "100"),
        *("--hold", str(given.seconds), "--settle", "60", "--message-rate", str(given.rate)),
        *("--csv", str(folder / FILES[name])),
    ]


def _await_line(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if text in line:
            return
    raise CannotStart(f"Locust ended before it said {text!r}:\n{''.join(said)}")


def _deliveries(path: Path, kind: str) -> int:
    with path.open(newline="") as file:
        rows = {(row["Type"], row["Name"]): row for row in csv.DictReader(file)}
    return int(rows[kind, "message:new"]["Request Count"])


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench.users", description=__doc__)
    add = parser.add_argument
    add("--users", type=int, default=300)
    add("--rate", type=float, default=60.0, help="messages a second")
    add("--seconds", type=float, default=20.0)
    add("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
