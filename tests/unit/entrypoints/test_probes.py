import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

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

    async def ping(self) -> None:
        await asyncio.sleep(self.delay)
        if self.is_down:
            raise Unavailable


@pytest.fixture
def dependency() -> Dependency:
    return Dependency()


@pytest.fixture
def readiness(dependency: Dependency) -> Readiness:
    readiness = Readiness({"store": dependency.ping})
    readiness.accepting = True
    return readiness


@pytest.fixture
async def client(readiness: Readiness) -> AsyncIterator[httpx.AsyncClient]:
    app = http_application([], probe_routes(readiness, Metrics()))
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
