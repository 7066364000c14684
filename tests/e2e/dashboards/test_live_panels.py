"""Every query of every dashboard, asked of a real Prometheus that watches a cluster at work."""

import asyncio
import json
import math
import re
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from tests.e2e.dashboards.grafana import (
    EVERYTHING,
    Query,
    debug_targets,
    prometheus_queries,
    rows,
    substituted,
)
from tests.e2e.dashboards.scenario import Ledger, played
from tests.servers.cluster import Cluster
from tests.servers.expositions import Expositions, names
from tests.servers.locust_process import LocustProcess
from tests.servers.otlp_receiver import OtlpReceiver
from tests.servers.prometheus import Job, Prometheus, Target

RULES = sorted((Path(__file__).parents[3] / "dashboards" / "rules").glob("*.yaml"))
READER = secrets.token_hex(32)
ENV = {
    "WHATCHAT_ADMIN_TOKEN": secrets.token_hex(32),
    "WHATCHAT_ADMIN_READ_TOKEN": READER,
    "WHATCHAT_TRACE_RATIO": "1",
    "WHATCHAT_RATE_LIMITS": "on",
    "WHATCHAT_PING_INTERVAL_MS": "3000",
}
PODS = 2
USERS = 2
KNOWN_FIGURES = Path(__file__).parents[2] / "integration" / "load" / "known_figures.py"
LOAD = ("-u", str(USERS), "-r", str(USERS), "--host", "http://localhost")
ALERT_SECONDS = 20


class Watched(NamedTuple):
    """A cluster that people have used and Prometheus has watched, all of it."""

    prometheus: Prometheus
    ledger: Ledger
    live: dict[str, Any]
    unchosen: dict[str, Any]
    ended: float

    def seen(self, text: str, *, step: float = 1.0) -> list[float]:
        """All numbers that a query gave at any time of it."""
        series = self.prometheus.query_range(
            text, start=self.ledger.began, end=self.ended, step=step
        )
        return [value for one in series for _, value in one.values if not math.isnan(value)]

    def at_the_end(self, panel: str) -> float:
        """What a panel's only query gave over the time in which people did something."""
        [query] = [one for one in prometheus_queries() if one.panel == panel]
        seconds = self.ledger.quiet - self.ledger.began
        [sample] = self.prometheus.query(
            substituted(query.text, seconds=seconds), at=self.ledger.quiet
        )
        return sample.value


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    with (
        OtlpReceiver() as traces,
        Cluster(folder, pods=PODS, env={**ENV, "WHATCHAT_OTLP_ENDPOINT": traces.url}) as cluster,
        Expositions() as others,
        LocustProcess(KNOWN_FIGURES, folder / "locust.log", *LOAD) as load,
    ):
        scraped = jobs(cluster, others, load.metrics_address)
        prometheus = Prometheus(folder / "prometheus", scraped, rules=RULES)
        prometheus.start()
        try:
            yield asyncio.run(watch(cluster, prometheus))
        finally:
            prometheus.stop()
        assert [text for pod in cluster.pods for text in pod.tracebacks()] == []


def jobs(cluster: Cluster, others: Expositions, load: str) -> list[Job]:
    """The product's own, without a cluster or a namespace, a load test's, and what others have."""
    pods = [
        Target(f"127.0.0.1:{pod.port}", {"pod": f"pod-{number}"})
        for number, pod in enumerate(cluster.pods, 1)
    ]
    worker = Target(f"127.0.0.1:{cluster.worker.port}", {"pod": "worker-1"})
    return [
        Job("whatchat", [*pods, worker]),
        Job("load", [Target(load, {"pod": "load-1"})]),
        *(Job(name, [Target(others.address)], path=f"/{name}") for name in names()),
    ]


async def watch(cluster: Cluster, prometheus: Prometheus) -> Watched:
    """Have people use it, look at it live, and then have a pod drain and stay away."""
    await asyncio.to_thread(prometheus.caught_up)
    async with AsyncExitStack() as ends:
        ledger = await played(cluster, ends)
        await asyncio.to_thread(prometheus.caught_up)
        ledger = ledger._replace(quiet=time.time())
        live = await asyncio.to_thread(looked_at, cluster, ledger)
        unchosen = await asyncio.to_thread(opened, cluster)
        await asyncio.to_thread(cluster.pods[-1].terminate)
        await asyncio.to_thread(alerted, prometheus)
    return Watched(prometheus, ledger, live, unchosen, time.time() + 1)


def alerted(prometheus: Prometheus) -> None:
    """Return once the pod's absence is an alert to be."""
    deadline = time.monotonic() + ALERT_SECONDS
    while not prometheus.query('ALERTS_FOR_STATE{alertname="WhatchatTargetDown"}'):
        assert time.monotonic() < deadline, "nobody missed the pod"
        time.sleep(0.2)


def looked_at(cluster: Cluster, ledger: Ledger) -> dict[str, Any]:
    """What each panel of the live debug dashboard is answered, by its title."""
    url = cluster.pods[0].url
    values = {"livePod": "", "room": ledger.room, "user": "", "message": ledger.message}
    sockets = asked(f"{url}/debug/sockets?roomId={ledger.room}")["sockets"]
    values["socket"] = sockets[0]["socket"]
    return {title: shown(url, target, values) for title, target in debug_targets()}


def opened(cluster: Cluster) -> dict[str, Any]:
    """What each of them is answered while nothing is chosen."""
    values = dict.fromkeys(("livePod", "room", "user", "message", "socket"), "")
    url = cluster.pods[0].url
    return {title: shown(url, target, values) for title, target in debug_targets()}


def shown(url: str, target: dict[str, Any], values: dict[str, str]) -> list[dict[str, Any]]:
    """The rows of a table of the live debug dashboard."""
    parameters = target["url_options"]["params"]
    query = urlencode({one["key"]: one["value"] for one in parameters}, safe="${}")
    path = substituted(f"{target['url']}?{query}", seconds=1, values=values)
    return rows(asked(f"{url}{path}"), target["root_selector"])


def asked(url: str) -> Any:
    """The answer, of any status, as the data source is provisioned to take it."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {READER}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return json.loads(error.read())


def told(query: Query, watched: Watched) -> str:
    seconds = watched.ended - watched.ledger.began
    return substituted(query.text, seconds=seconds)


def test_every_query_of_every_dashboard_returns_data(watched: Watched) -> None:
    empty = [str(query) for query in prometheus_queries() if not watched.seen(told(query, watched))]
    assert empty == []


def test_a_pod_that_is_chosen_is_the_only_one_that_is_shown(watched: Watched) -> None:
    chosen = {**EVERYTHING, "pod": "(pod-1|worker-1)"}
    for query in prometheus_queries():
        if "by (pod)" in query.text:
            text = substituted(query.text, seconds=60, values=chosen)
            shown = watched.prometheus.query(text, at=watched.ledger.quiet)
            assert {one.labels.get("pod") for one in shown} <= {"pod-1", "worker-1"}, str(query)


def test_pods_at_a_glance_know_what_they_are_called_live(watched: Watched) -> None:
    queries = [one for one in prometheus_queries() if one.panel == "Pods at a glance"]
    [ready] = {one.text for one in queries if "group_left (name)" in one.text}
    at_work = watched.prometheus.query(substituted(ready, seconds=60), at=watched.ledger.quiet)
    assert {one.labels["pod"] for one in at_work} == {"pod-1", "pod-2", "worker-1"}
    live = {row["pod"] for row in watched.live["Pods"]}
    assert live <= {one.labels["name"] for one in at_work}
    [up] = {one.text for one in queries if "(up{" in one.text}
    left = watched.prometheus.query(substituted(up, seconds=60), at=watched.ended)
    assert {one.labels["pod"]: one.value for one in left} == {
        "pod-1": 1,
        "pod-2": 0,
        "worker-1": 1,
    }


def test_what_takes_time_has_exemplars(watched: Watched) -> None:
    queries = [one for one in prometheus_queries() if one.exemplars]
    assert queries
    with_exemplars = {
        str(query)
        for query in queries
        if watched.prometheus.query_exemplars(
            told(query, watched), start=watched.ledger.began, end=watched.ended
        )
    }
    assert {one for one in with_exemplars if "Delivery time" in one}


@pytest.mark.parametrize(
    ("panel", "of"),
    [
        ("Messages in all", "accepted"),
        ("Deliveries in all", "delivered"),
        ("Connected sockets", "connected"),
        ("Sockets", "connected"),
    ],
)
def test_panels_agree_with_what_people_did(watched: Watched, panel: str, of: str) -> None:
    assert watched.at_the_end(panel) == pytest.approx(getattr(watched.ledger, of), rel=0.05)


def test_a_load_test_is_shown_as_its_users_see_it(watched: Watched) -> None:
    assert watched.at_the_end("Users") == USERS
    assert watched.at_the_end("Lost") == watched.at_the_end("Duplicated") == 0
    assert watched.at_the_end("Answered with 400") > 0
    once = watched.at_the_end("Accepted by the second")
    assert watched.at_the_end("Delivered by the second") == pytest.approx(2 * once, rel=0.05)
    delivery = {
        one.name: watched.seen(substituted(one.text, seconds=60))[-1]
        for one in prometheus_queries()
        if one.panel == "Delivery as users see it"
    }
    assert delivery["B"] == pytest.approx(0.25, rel=0.05)  # the bucket that 147 ms are in
    assert delivery["D"] < delivery["B"]


def test_accepted_and_delivered_agree_as_rates(watched: Watched) -> None:
    """The overview's lines, summed up over the time in which people talked."""
    for panel, of in (("Messages accepted", "accepted"), ("Messages delivered", "delivered")):
        [query] = [
            one
            for one in prometheus_queries()
            if one.panel == panel and one.dashboard == "whatchat-overview"
        ]
        total = sum(watched.seen(substituted(query.text, seconds=1)))
        assert total == pytest.approx(getattr(watched.ledger, of), rel=0.05)


def test_what_the_debug_api_answers_fills_the_columns(watched: Watched) -> None:
    may_be_missing = re.compile(r"closed|close|roundTrip|published|userId|^ms$|sockets")
    for title, target in debug_targets():
        found = watched.live[title]
        fields = [column["selector"] for column in target["columns"]]
        if title in {"Its last failures", "Sockets that went lately", "Acknowledged by"}:
            continue
        assert found, title
        lacking = [name for name in fields if not any(name in row for row in found)]
        assert [name for name in lacking if not may_be_missing.search(name)] == [], title


def test_while_nothing_is_chosen_lists_are_full_and_what_is_chosen_is_empty(
    watched: Watched,
) -> None:
    lists = {"Pods", "Rooms with the most sockets", "Sockets"}
    assert {title for title, found in watched.unchosen.items() if found} - {
        "Sockets that went lately"
    } == lists
