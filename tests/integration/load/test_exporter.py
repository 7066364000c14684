"""What a run tells Prometheus: a master's own figures and those of its workers."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import Metric

from loadtests.swarm.views.figures import COUNTED, FIGURES, declared
from tests.e2e.node_process import free_port
from tests.servers.locust_process import ROOT, LocustProcess
from tests.waiting import until

LOCUSTFILE = Path(__file__).with_name("known_figures.py")
SIZE = ("-u", "2", "-r", "2", "--host", "http://localhost")

Families = dict[str, Metric]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocustProcess]:
    """A master with two workers, of which one has no more than the other."""
    log = tmp_path_factory.mktemp("load") / "locust.log"
    port = str(free_port())
    ours = ("--master-bind-port", port, "--master-port", port)
    with LocustProcess(LOCUSTFILE, log, *SIZE, *ours, "--processes", "2", "-t", "60s") as process:
        yield process


async def once(run: LocustProcess, holds: Callable[[Families], bool]) -> Families:
    """What is told when it first holds."""
    found: list[Families] = []

    def looked() -> bool:
        found.append(run.families())
        return holds(found[-1])

    await until(looked, seconds=20)
    return found[-1]


def value(families: Families, metric: str, /, **labels: str) -> float:
    family = families[metric.removesuffix("_total").removesuffix("_bucket").removesuffix("_sum")]
    [found] = [one for one in family.samples if one.name == metric and one.labels == labels]
    return found.value


def talked(families: Families) -> bool:
    """Whether both workers have reported."""
    connected = value(families, "whatchat_load_connected_users")
    return connected == 2 and value(families, "whatchat_load_accepted_total") > 10


async def test_everything_that_is_declared_is_told_and_nothing_else(run: LocustProcess) -> None:
    families = await once(run, talked)
    assert {family.name: family.type for family in families.values()} == {
        figure.name: figure.kind for figure in FIGURES
    }
    names = {sample.name for family in families.values() for sample in family.samples}
    assert names == {name for name, _ in declared()}
    labels = dict(declared())
    for family in families.values():
        for sample in family.samples:
            assert sample.labels.keys() == labels[sample.name]


async def test_who_is_there_and_what_all_workers_counted(run: LocustProcess) -> None:
    families = await once(run, talked)
    for name in ("users", "wanted_users", "connected_users"):
        assert value(families, f"whatchat_load_{name}") == 2
    assert value(families, "whatchat_load_info", scenario="known") == 1
    used = {one.labels["of"] for one in families["whatchat_load_cpu_ratio"].samples}
    assert used == {"main", "worker-1", "worker-2"}
    accepted = value(families, "whatchat_load_accepted_total")
    told = {field: value(families, f"whatchat_load_{field}_total") for field in COUNTED}
    assert told == dict.fromkeys(COUNTED, 0) | {
        "accepted": accepted,
        "delivered": 2 * accepted,
        "bad_requests": accepted,
    }
    assert value(families, "whatchat_load_closes_total", code="4408") == accepted


async def test_requests_are_told_as_locust_has_them(run: LocustProcess) -> None:
    families = await once(run, talked)
    of = {"type": "connect", "name": "websocket"}
    tried = value(families, "whatchat_load_requests_total", **of)
    assert value(families, "whatchat_load_failures_total", **of) == tried / 2
    assert value(families, "whatchat_load_seconds_sum", **of) == pytest.approx(tried * 0.36)


async def test_times_are_in_the_buckets_in_which_they_belong(run: LocustProcess) -> None:
    families = await once(run, talked)
    of = {"type": "delivery", "name": "message:new"}
    told = value(families, "whatchat_load_requests_total", **of)

    def at_most(bound: str) -> float:
        return value(families, "whatchat_load_seconds_bucket", le=bound, **of) / told

    assert [at_most(bound) for bound in ("0.001", "0.1", "0.25", "+Inf")] == [0.5, 0.5, 1, 1]


def test_who_has_looked_before_sees_the_last_figures(tmp_path: Path) -> None:
    last: Families = {}
    with LocustProcess(LOCUSTFILE, tmp_path / "log", *SIZE, "-t", "1s") as run, suppress(OSError):
        while True:
            last = run.families()
            time.sleep(0.25)
    sent = value(last, "whatchat_load_requests_total", type="ack", name="message:send")
    first = re.search(r"message:send +(\d+) ", run.said().rpartition("Shutting down")[2])
    assert first
    assert sent == int(first[1])


def test_a_run_goes_on_if_its_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [
                *(sys.executable, "-m", "locust", "-f", LOCUSTFILE, "--headless", *SIZE),
                *("-t", "1s", "--metrics-port", str(port)),
            ],
            check=False,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert f"nobody can scrape this run: port {port}: Address already in use" in done.stderr
    assert "All users spawned" in done.stderr
