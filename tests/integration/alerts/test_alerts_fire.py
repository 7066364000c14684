"""What is broken in a real cluster fires alerts in a real Prometheus; what is mended ends them."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.cluster import Cluster
from tests.servers.prometheus import Job, Prometheus, Target
from tests.unit.alerts.rule_files import RULES

SECONDS = 30
"""The canary may be 8 s old here; all else is scraped and judged each second."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster"), pods=2) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def prometheus(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    targets = [
        Target(f"127.0.0.1:{pod.port}", {"namespace": "chat", "pod": f"whatchat-{number}"})
        for number, pod in enumerate(cluster.pods)
    ]
    worker = Target(f"127.0.0.1:{cluster.worker.port}", {"namespace": "chat", "pod": "worker"})
    prometheus = Prometheus(folder, [Job("whatchat", [*targets, worker])], rules=_hurried(folder))
    try:
        prometheus.start()
        prometheus.caught_up()
        yield prometheus
    finally:
        prometheus.stop()


def test_alerts_fire_while_something_is_broken_and_end_when_it_is_mended(
    cluster: Cluster, prometheus: Prometheus
) -> None:
    _until(lambda: bool(prometheus.query("namespace:whatchat_pods_ready:sum == 2")))
    assert not _firing(prometheus)
    assert {rule.health for rule in prometheus.rules()} == {"ok"}

    cluster.redis.pause()
    cluster.pods[1].kill()
    _until(
        lambda: (
            {("WhatchatTargetDown", "whatchat-1"), ("WhatchatBrokerDeaf", "whatchat-0")}
            <= _firing(prometheus)
        )
    )
    assert ("WhatchatNoPodReady", "") not in _firing(prometheus)  # Redis alone unreadies nobody

    cluster.redis.resume()
    cluster.pods[1].start()
    _until(lambda: not _firing(prometheus))


def _firing(prometheus: Prometheus) -> set[tuple[str, str]]:
    """Alerts that fire, each with its pod."""
    return {
        (alert.labels["alertname"], alert.labels.get("pod", ""))
        for alert in prometheus.alerts()
        if alert.state == "firing"
    }


def _hurried(folder: Path) -> list[Path]:
    """The rules with one second in place of the minutes that something has to last.

    And with a canary that is old a little sooner: a well one is a second or two old.
    """
    hurried = []
    for path in RULES:
        hurried.append(folder / path.name)
        rules = re.sub(r"^( +for:) .*$", r"\1 1s", path.read_text(), flags=re.MULTILINE)
        hurried[-1].write_text(re.sub(r"(canary_age_seconds\)) > 15\b", r"\1 > 8", rules))
    return hurried


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)
