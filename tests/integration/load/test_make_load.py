"""``make load`` on clusters of its own: a run, and what is done to the cluster in the middle."""

import csv
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from loadtests.swarm.run import results
from loadtests.swarm.run.summary import Summary, read
from tests.e2e.node_process import NodeProcess
from tests.wide_gates import WIDE

ROOT = Path(__file__).parents[3]
END_SECONDS = 200
FILES = {
    *("locust.html", "locust_stats.csv", "locust_stats_history.csv", "locust_failures.csv"),
    *("summary.json", "pods.csv", "connections.svg", "latency.svg", "memory.svg"),
}

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]

SHORT = ("--warm", "4", "--settle", "4")

RUNS = {
    "steady": ("--users", "41", "--workers", "2", "--rate", "20", "--hold", "10"),
    "rollout": ("--users", "20", "--rate", "20", "--hold", "40", "--short", "--pods-count", "1"),
    "failover": ("--users", "20", "--rate", "20", "--hold", "12"),
}

ELSEWHERE = {
    "storm": ("--users", "30", "--rate", "20", "--hold", "10"),
    "pairs": ("--users", "10", "--rate", "20", "--hold", "4", "--gate", "delivery_mean=0.001"),
}
"""What is played at a node that was there before; one with a bound that nobody can keep."""

SECRET = secrets.token_hex(32)

Started = subprocess.Popen[str]
Begin = Callable[..., Started]


@pytest.fixture(scope="module")
def begin() -> Iterator[Begin]:
    begun: list[Started] = []
    own = {key: value for key, value in os.environ.items() if not key.startswith("WHATCHAT_")}

    def start(*arguments: str) -> Started:
        process = subprocess.Popen(
            [sys.executable, "-m", "loadtests", *arguments],
            cwd=ROOT,
            env=own | {"WHATCHAT_JWT_SECRET": SECRET},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        begun.append(process)
        return process

    yield start
    for process in begun:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=END_SECONDS)


class Ended(NamedTuple):
    """What a run has said, and where it left what it found."""

    status: int
    said: str
    out: Path


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    node = NodeProcess(tmp_path_factory.mktemp("node"), {"WHATCHAT_JWT_SECRET": SECRET})
    node.start()
    yield node
    node.close()


@pytest.fixture(scope="module")
def ended(
    begin: Begin, node: NodeProcess, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Ended]:
    """They go on at the same time, as they mostly wait."""
    out = tmp_path_factory.mktemp("out")
    store = f"sqlite:///{node.data_dir}/whatchat.db"
    there = "--host", node.url, "--store", store, "--pods", node.url
    sizes = RUNS | {name: (*there, *size) for name, size in ELSEWHERE.items()}
    runs = {
        name: begin(name, *WIDE, *size, *SHORT, "--out", str(out / name))
        for name, size in sizes.items()
    }
    return {
        name: Ended(said=run.communicate(timeout=END_SECONDS)[0], status=run.wait(), out=out / name)
        for name, run in runs.items()
    }


def summary_of(ended: dict[str, Ended], name: str) -> Summary:
    status, said, out = ended[name]
    assert (out / "summary.json").exists(), said
    found = read(out)
    assert (status, found.passed) == (0, True), said
    assert "all gates hold" in said
    assert found.troubles == []
    return found


def test_a_run_leaves_all_that_it_should(ended: dict[str, Ended]) -> None:
    found = summary_of(ended, "steady")
    _, said, out = ended["steady"]
    assert FILES <= {path.name for path in out.iterdir()} <= set(results.FILES)
    assert (found.users, found.workers, found.tally.judged) == (41, 2, 41)
    assert found.connects.count >= 41
    assert found.messages.accepted == found.tally.accepted > 20
    assert found.deliveries.count > found.tally.accepted / 2
    assert [phase.name for phase in found.phases] == ["ramp", "warm", "hold", "settle"]
    assert {"pods", "mongod", "redis", "haproxy", "load"} <= found.cpu_seconds.keys()
    assert min(found.cpu_seconds[part] for part in ("pods", "load")) > 0
    assert "versions" in found.machine
    assert found.warming.count
    for word in ("ramp ", "warm ", "hold ", "settle ", "delivery_p99", "connect_success"):
        assert word in said


def test_as_much_is_said_as_was_asked_for(ended: dict[str, Ended]) -> None:
    """20 messages a second for 10 s, and before that ever more for 2 s, typing, of the 4 of warm.

    A quarter of warm may pass until people are there; each worker leaves out a part of a message.
    """
    found = summary_of(ended, "steady")
    tally = found.tally
    assert 20 * 10 + 20 * 1 / 2 - 4 <= tally.due <= 20 * 10 + 20 * 2 / 2
    assert 0 < tally.warming < tally.in_time <= tally.accepted <= tally.due
    assert found.messages.per_second == pytest.approx(20, rel=0.5)


def test_every_pod_has_its_vitals(ended: dict[str, Ended]) -> None:
    found = summary_of(ended, "steady")
    assert [pod.pod for pod in found.pods] == ["pod-1", "pod-2"]
    assert sum(pod.sockets_max for pod in found.pods) == 41
    with (ended["steady"].out / "pods.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert {row["pod"] for row in rows} == {"pod-1", "pod-2"}
    assert max(int(row["sockets"]) for row in rows) == max(pod.sockets_max for pod in found.pods)


def test_all_pods_are_replaced(ended: dict[str, Ended]) -> None:
    found = summary_of(ended, "rollout")
    assert [pod.pod.split("-")[1] for pod in found.pods] == ["1", "2"]
    assert [phase.name for phase in found.phases][-1] == "rollout"
    assert found.reconnects.count >= 20


def test_another_redis_takes_over(ended: dict[str, Ended]) -> None:
    found = summary_of(ended, "failover")
    assert [phase.name for phase in found.phases][-1] == "failover"
    assert found.tally.accepted > 150


def test_everybody_comes_back_from_a_storm(ended: dict[str, Ended]) -> None:
    found = summary_of(ended, "storm")
    assert found.reconnects.count >= 30
    assert (found.tally.judged, found.tally.lost) == (30, 0)
    assert found.phases[-1].name == "storm"
    assert found.phases[-1].end > found.phases[-1].start
    [pod] = found.pods
    assert pod.sockets_max >= 30


def test_a_gate_that_does_not_hold_is_told_by_the_status(ended: dict[str, Ended]) -> None:
    status, said, out = ended["pairs"]
    assert status == 1, said
    assert "failed: delivery_mean" in said.splitlines()
    found = read(out)
    assert [gate.name for gate in found.gates if not gate.holds] == ["delivery_mean"]
    assert found.tally.accepted > 20


def test_an_interrupted_run_ends_everything_and_keeps_what_there_is(
    begin: Begin, tmp_path: Path
) -> None:
    run = begin(
        *("connect", "--users", "10", "--hold", "600", "--direct"),
        *("--out", str(tmp_path / "out"), "--dir", str(tmp_path / "dir")),
    )
    assert run.stdout
    for line in run.stdout:
        if line.startswith("hold ") and "connected 10" in line:
            break
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=60)
    assert run.returncode == 1, said
    found = read(tmp_path / "out")
    assert not found.passed
    assert "judged" in {gate.name for gate in found.gates if not gate.holds}
    assert (tmp_path / "out" / "locust.html").exists()
    assert not _still_there(str(tmp_path))


def _still_there(folder: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
        if folder in words:
            found.append(words)
    return found
