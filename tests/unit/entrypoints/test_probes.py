import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from structlog.testing import capture_logs

from tests.waiting import until
from whatchat.domain.errors import Unavailable
from whatchat.entrypoints import probes
from whatchat.entrypoints.asgi import http_application
from whatchat.entrypoints.probes import Readiness, probe_routes
from whatchat.observability.metrics import Metrics


class Dependency:
    """Something that can be down, or slow."""

    def __init__(self) -> None:
        self.is_down = False
        self.delay = 0.0
        self.error = Unavailable()

    async def ping(self) -> None:
        await asyncio.sleep(self.delay)
        if self.is_down:
            raise self.error


@pytest.fixture
def dependency() -> Dependency:
    return Dependency()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def readiness(dependency: Dependency, metrics: Metrics) -> Readiness:
    readiness = Readiness({"store": dependency.ping}, metrics)
    readiness.accepting = True
    return readiness


@pytest.fixture
async def client(readiness: Readiness, metrics: Metrics) -> AsyncIterator[httpx.AsyncClient]:
    app = http_application([], probe_routes(readiness, metrics))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://pod"
    ) as client:
        yield client


async def test_a_pod_is_ready_while_all_it_needs_answers(client: httpx.AsyncClient) -> None:
    response = await client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"ready": True, "dependencies": {"pod": "ok", "store": "ok"}}


async def test_a_pod_whose_store_is_down_is_not_ready(
    client: httpx.AsyncClient, dependency: Dependency
) -> None:
    dependency.is_down = True
    response = await client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"ready": False, "dependencies": {"pod": "ok", "store": "error"}}


async def test_operators_alone_are_told_why(
    readiness: Readiness,
    dependency: Dependency,
    metrics: Metrics,
    client: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probes, "CHECK_SECONDS", 0.05)
    app = http_application([], probe_routes(readiness, metrics, tells_why=True))
    internal = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://pod")
    async with internal as operators:
        answer = (await operators.get("/readyz")).json()
        assert (answer["ready"], answer["reasons"], answer["warnings"]) == (True, {}, [])
        dependency.is_down = True
        dependency.error = Unavailable("db-0:27017 is down")
        with capture_logs() as lines:
            answer = (await operators.get("/readyz")).json()
        assert answer["reasons"] == {"store": "db-0:27017 is down"}
        assert lines[0]["reason"] == "db-0:27017 is down"
        assert "db-0" not in (await client.get("/readyz")).text
        dependency.error = Unavailable()
        assert (await operators.get("/readyz")).json()["reasons"] == {"store": "no answer"}
        dependency.delay = 5
        answer = (await operators.get("/readyz")).json()
        assert answer["reasons"] == {"store": "no answer within 0.05 s"}


async def test_a_dependency_that_hangs_does_not_hang_the_probe(
    client: httpx.AsyncClient, dependency: Dependency, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "CHECK_SECONDS", 0.05)
    dependency.delay = 5
    assert (await client.get("/readyz")).json()["dependencies"]["store"] == "error"


async def test_a_pod_that_takes_no_more_is_alive_but_not_ready(
    client: httpx.AsyncClient, readiness: Readiness
) -> None:
    readiness.accepting = False
    assert (await client.get("/readyz")).status_code == 503
    assert (await client.get("/livez")).status_code == 200


async def test_metrics_are_prometheus_text(client: httpx.AsyncClient) -> None:
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE whatchat_commands_total counter" in response.text


async def test_metrics_are_openmetrics_to_who_asks_for_it(client: httpx.AsyncClient) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    response = await client.get("/metrics", headers={"Accept": accept})
    assert response.headers["content-type"].startswith("application/openmetrics-text; version=1")
    assert response.text.endswith("# EOF\n")
    assert response.headers["content-encoding"] == "gzip"
    assert (await client.post("/metrics")).status_code == 405


async def test_nonsense_is_told_prometheus_text(client: httpx.AsyncClient) -> None:
    response = await client.get(
        "/metrics", headers={"Accept": "application/openmetrics-text;version=new"}
    )
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_the_metrics_say_what_the_probe_found(
    client: httpx.AsyncClient, dependency: Dependency, metrics: Metrics
) -> None:
    assert b"whatchat_ready 0.0" in metrics.render()
    await client.get("/readyz")
    text = metrics.render()
    assert b"whatchat_ready 1.0" in text
    assert b'whatchat_dependency_up{dependency="store"} 1.0' in text
    dependency.is_down = True
    await client.get("/readyz")
    text = metrics.render()
    assert b"whatchat_ready 0.0" in text
    assert b'whatchat_dependency_up{dependency="store"} 0.0' in text


async def test_a_pod_that_takes_no_more_says_so_at_once(
    client: httpx.AsyncClient, readiness: Readiness, metrics: Metrics
) -> None:
    await client.get("/readyz")
    readiness.accepting = False
    assert b"whatchat_ready 0.0" in metrics.render()


async def test_a_scrape_does_not_wait_for_what_hangs(
    client: httpx.AsyncClient, dependency: Dependency
) -> None:
    dependency.delay = 60
    response = await asyncio.wait_for(client.get("/metrics"), timeout=5)
    assert "whatchat_ready 0.0" in response.text


async def test_dependencies_are_asked_without_any_probe_and_an_outage_is_logged_once(
    readiness: Readiness,
    dependency: Dependency,
    metrics: Metrics,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probes, "WATCH_SECONDS", 0.001)
    watching = asyncio.create_task(readiness.watch())
    with capture_logs() as lines:
        await until(lambda: b"whatchat_ready 1.0" in metrics.render())
        dependency.is_down = True
        await until(lambda: b"whatchat_ready 0.0" in metrics.render())
        await asyncio.sleep(0.05)
        dependency.is_down = False
        await until(lambda: b"whatchat_ready 1.0" in metrics.render())
    watching.cancel()
    told = [(line["log_level"], line["event"]) for line in lines]
    assert told == [
        ("warning", "dependency does not answer"),
        ("info", "dependency answers again"),
    ]
