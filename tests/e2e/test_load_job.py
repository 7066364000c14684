"""A run as pods of a cluster play it: people are seeded, a master waits, a worker comes to it."""

import csv
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.node_process import free_port
from tests.servers.cluster import Cluster
from tests.wide_gates import WIDE

ROOT = Path(__file__).parents[2]
USERS = 20
SECRET = secrets.token_hex(32)
RUN_SECONDS = 60


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    env = {"WHATCHAT_JWT_SECRET": SECRET, "WHATCHAT_RATE_LIMITS": "off"}
    with Cluster(tmp_path_factory.mktemp("cluster"), pods=2, env=env) as cluster:
        yield cluster


def started(*words: str, store: str = "") -> "subprocess.Popen[str]":
    """One of the containers' commands, told what its pod is told."""
    env = {**os.environ, "WHATCHAT_JWT_SECRET": SECRET, "WHATCHAT_STORE_URL": store}
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    said, _ = process.communicate(timeout=RUN_SECONDS)
    return process.returncode, said


def test_a_run_is_played_judged_drawn_and_shown(cluster: Cluster, tmp_path: Path) -> None:
    port = str(free_port())
    users = f"--users={USERS}"
    store = cluster.mongo.url("whatchat")
    status, said = ended(started("loadtests.seed", "--scenario=pairs", users, store=store))
    assert (status, f"{USERS} accounts added" in said) == (0, True), said

    pods = ",".join(cluster.urls)
    master = started(
        *("loadtests.job", "pairs", users, "--spawn-rate=20", "--workers=1", f"--out={tmp_path}"),
        *(f"--host={cluster.url}", f"--pods={pods}", "--expect-pods=2", "--metrics-port=0"),
        *WIDE,
        *("--warm=1", "--hold=5", "--settle=1", "--master-bind-port", port),
    )
    worker = started(
        *("locust", "--worker", "--master-host=127.0.0.1", "--master-port", port),
        *("--locustfile=loadtests/scenarios/pairs.py", "--exit-code-on-error=0"),
    )
    status, said = ended(master)
    assert (status, ended(worker)[0]) == (0, 0), said

    summary = json.loads((tmp_path / "summary.json").read_text())
    assert said.endswith((tmp_path / "summary.json").read_text())
    assert summary["passed"]
    assert summary["users"] == USERS
    assert sum(pod["socketsMax"] for pod in summary["pods"]) >= USERS
    rows = list(csv.DictReader((tmp_path / "pods.csv").read_text().splitlines()))
    assert {int(row["sockets"]) for row in rows[:2]} == {0}, "looked at before anybody came"
    pictures = {path.name for path in tmp_path.glob("*.svg")}
    assert pictures == {"connections.svg", "latency.svg", "memory.svg"}
    assert {"locust.html", "locust_stats_history.csv"} <= {path.name for path in tmp_path.iterdir()}


def test_pods_that_are_not_there_are_said_plainly(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    words = ("loadtests.job", "pairs", "--host", nowhere, "--pods", nowhere, "--wait", "0")
    status, said = ended(started(*words, "--expect-pods", "3", "--out", str(tmp_path)))
    assert (status, said) == (2, "not begun: 0 of 1 pods are ready, and 3 are to be there\n")
    assert list(tmp_path.iterdir()) == []


def test_workers_that_never_come_are_not_waited_for_without_end(
    cluster: Cluster, tmp_path: Path
) -> None:
    master = started(
        *("loadtests.job", "pairs", f"--users={USERS}", "--wait=1", f"--out={tmp_path}"),
        *(f"--host={cluster.url}", f"--pods={','.join(cluster.urls)}", "--expect-pods=2"),
        *("--checked", "--metrics-port=0", "--master-bind-port", str(free_port())),
    )
    status, said = ended(master)
    assert (status, "Gave up waiting for workers to connect" in said) == (1, True), said


def test_what_nobody_would_cause_is_not_played() -> None:
    words = ("loadtests.job", "rollout", "--host=http://a", "--pods=http://a")
    status, said = ended(started(*words))
    assert status == 2
    assert said.startswith("not begun: nothing here causes a rollout: say --disturbed-by-hand")
