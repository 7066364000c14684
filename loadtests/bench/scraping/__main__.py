"""``python -m loadtests.bench.scraping``: what a scrape takes of a pod that has many sockets."""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from statistics import median
from typing import Final, NamedTuple

import httpx

from loadtests.bench.load import Load
from loadtests.bench.people import SECRET, people
from loadtests.bench.process import SERVER_CORE, cpu_seconds, pinned
from loadtests.bench.program import ended, first_line
from whatchat.entrypoints.server import raise_descriptor_limit

MOST_MS: Final = 50
"""So long a scrape may hold the event loop, all in all."""

ROOM_SIZE: Final = 10
APART_SECONDS: Final = 0.2

ACCEPTS: Final = {
    "text": "text/plain;version=0.0.4",
    "OpenMetrics": "application/openmetrics-text;version=1.0.0",
}


class Scrapes(NamedTuple):
    """What some scrapes in one format took, in milliseconds each.

    ``loop_ms`` is processor time of the event loop for the exposition, ``processor_ms`` that of
    the process for all of the request, ``longest_gap_ms`` how long others had no turn meanwhile.
    """

    format: str
    bytes: int
    series: int
    loop_ms: float
    processor_ms: float
    longest_gap_ms: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.bench.scraping",
        description="Measure what a scrape takes of a pod that has many sockets.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--connections", type=int, default=10_000, help="sockets on the pod")
    parser.add_argument("--scrapes", type=int, default=20, help="of each format")
    given = parser.parse_args(arguments)
    raise_descriptor_limit()
    with pinned(SERVER_CORE):
        process = subprocess.Popen(
            [sys.executable, "-m", "loadtests.bench.scraping.pod", SECRET],
            stdout=subprocess.PIPE,
            text=True,
        )
    with ended(process):
        port = int(first_line(process, "listening on "))
        load = Load(port)
        try:
            load.connect(people(given.connections, ROOM_SIZE))
            found = [_scrape(load, port, process.pid, kind, given.scrapes) for kind in ACCEPTS]
        finally:
            load.close()
    sys.stdout.write(table(found, given.connections))
    return 0


def table(found: Sequence[Scrapes], connections: int) -> str:
    """The figures as Markdown."""
    lines = [
        f"| {connections:,} sockets | bytes | series | loop, ms | wanted | process, ms | gap, ms |",
        "| --- |" + " --- |" * 6,
    ]
    lines += [
        f"| {one.format} | {one.bytes:,} | {one.series:,} | {one.loop_ms:.1f} | < {MOST_MS} |"
        f" {one.processor_ms:.1f} | {one.longest_gap_ms:.1f} |"
        for one in found
    ]
    return "\n".join(lines) + "\n"


def _scrape(load: Load, port: int, pid: int, kind: str, times: int) -> Scrapes:
    processor, gaps = [], []
    text = ""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as client:
        before = _loop_seconds(client.get("/metrics").text)
        for _ in range(times):
            load.idle(APART_SECONDS)
            spent = cpu_seconds(pid)
            response = client.get("/metrics", headers={"Accept": ACCEPTS[kind]})
            processor.append(cpu_seconds(pid) - spent)
            text = response.text
            gaps.append(_value(text, "bench_gap_seconds"))
        after = _loop_seconds(client.get("/metrics").text)
    series = sum(not line.startswith("#") for line in text.splitlines())
    return Scrapes(
        format=kind,
        bytes=len(text.encode()),
        series=series,
        loop_ms=1000 * (after - before) / (times + 1),
        processor_ms=1000 * sum(processor) / times,
        longest_gap_ms=1000 * median(gaps[1:] or gaps),
    )


def _loop_seconds(text: str) -> float:
    return _value(text, "whatchat_scrape_seconds_sum")


def _value(text: str, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found is not None, name
    return float(found[1])


if __name__ == "__main__":
    sys.exit(main())
