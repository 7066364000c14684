"""Whole pods, put together as the product is, in one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.samples import sample
from whatchat import pod as pods
from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.bootstrap import CannotRun, build, open_store
from whatchat.domain.ids import Rev, RoomId
from whatchat.entrypoints import pod_lease
from whatchat.entrypoints.ending import longest_end
from whatchat.entrypoints.pod_lease import SOLE_POD
from whatchat.pod import Pod
from whatchat.services import Adapters
from whatchat.settings import Settings

SECRET = "a secret that all these pods share"


def settings(folder: Path) -> Settings:
    return Settings.model_validate(
        {"store_url": f"sqlite:///{folder}/whatchat.db", "jwt_secret": SECRET}
    )


@asynccontextmanager
async def running(pod: Pod) -> AsyncIterator[httpx.AsyncClient]:
    await pod.start()
    try:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(pod.asgi), base_url="http://pod"
        ) as client:
            yield client
    finally:
        await pod.stop()


async def register(client: httpx.AsyncClient, name: str) -> dict[str, Any]:
    body = {"username": name, "password": "correct horse battery staple"}
    response = await client.post("/api/auth/register", json=body)
    assert response.status_code == 201, response.text
    account: dict[str, Any] = response.json()
    client.headers["Authorization"] = f"Bearer {account['accessToken']}"
    return account


async def test_a_conversation_outlives_its_pod(tmp_path: Path) -> None:
    pod = await build(settings(tmp_path))
    async with running(pod) as client:
        account = await register(client, "ada")
        body = {"kind": "group", "name": "Engines", "participants": []}
        room = (await client.post("/api/rooms", json=body)).json()
        sent = {"roomId": room["id"], "clientId": "c" * 16, "content": "hello"}
        assert (await client.post("/api/messages", json=sent)).status_code == 201
        assert (await client.get("/readyz")).json()["ready"] is True
        assert sample(pod.metrics, "broker_published_total") >= 2  # the room, and the message
    async with running(await build(settings(tmp_path))) as client:
        client.headers["Authorization"] = f"Bearer {account['accessToken']}"
        history = (await client.get(f"/api/messages/{room['id']}")).json()
        assert [message["content"] for message in history["messages"]] == ["hello"]
        assert (await client.post("/api/messages", json=sent)).status_code == 200


async def test_pods_with_shared_adapters_serve_the_same_rooms(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "whatchat.db"))
    await store.open()
    await store.migrate()
    exchange, registry = InProcessExchange(), InProcessSessionRegistry()
    pods = [
        await build(settings(tmp_path), Adapters(store, InProcessBroker(exchange), registry))
        for _ in range(3)
    ]
    async with running(pods[0]) as one, running(pods[1]) as two, running(pods[2]) as three:
        account = await register(one, "ada")
        for client in (two, three):
            client.headers["Authorization"] = f"Bearer {account['accessToken']}"
        body = {"kind": "group", "name": "Engines", "participants": []}
        room = (await two.post("/api/rooms", json=body)).json()
        assert (await three.get(f"/api/rooms/{room['id']}")).json()["name"] == "Engines"
    await store.ping()
    await store.close()


async def test_without_a_shared_broker_there_is_one_pod_to_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_lease, "LEASE_SECONDS", 60)
    monkeypatch.setattr(pod_lease, "PATIENCE_SECONDS", 0.2)
    first = await build(settings(tmp_path))
    with pytest.raises(CannotRun, match="another pod runs on this store"):
        await build(settings(tmp_path))
    await first.stop()
    await (await build(settings(tmp_path))).stop()


async def test_a_pod_that_drains_is_not_ready_and_serves_on(tmp_path: Path) -> None:
    pod = await build(settings(tmp_path))
    async with running(pod) as client:
        assert "connection" not in (await client.get("/readyz")).headers
        draining = asyncio.create_task(pod.drain())
        await asyncio.sleep(0)
        unready = await client.get("/readyz")
        assert (unready.status_code, unready.headers["connection"]) == (503, "close")
        assert (await client.get("/livez")).status_code == 200
        await register(client, "ada")
        assert not draining.done()
        pod.must_end.set()
        await asyncio.wait_for(draining, 1)


async def test_a_drain_waits_until_endpoints_have_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pods, "ENDPOINT_SECONDS", 0.3)
    pod = await build(settings(tmp_path))
    loop = asyncio.get_running_loop()
    async with running(pod):
        start = loop.time()
        await pod.drain()
        assert 0.3 <= loop.time() - start < 2
        start = loop.time()
        await pod.drain(at_once=True)
        assert loop.time() - start < 0.3


async def test_a_pod_without_time_to_drain_waits_for_nobody(tmp_path: Path) -> None:
    hasty = settings(tmp_path).model_copy(update={"drain_seconds": 0})
    pod = await build(hasty)
    async with running(pod):
        await asyncio.wait_for(pod.drain(), 1)


async def test_a_pod_that_cannot_let_go_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pods, "CLOSE_SECONDS", 0.1)
    pod = await build(settings(tmp_path))
    await pod.start()
    async with AsyncExitStack() as stuck:
        stuck.push_async_callback(asyncio.sleep, 60)
        await pod.owns(stuck.pop_all())
    await asyncio.wait_for(pod.stop(), 2)


@pytest.mark.parametrize("owes", [False, True])
async def test_a_pod_that_owes_an_announcement_lets_its_lease_end_by_itself(
    tmp_path: Path, owes: bool
) -> None:
    pod = await build(settings(tmp_path))
    await pod.start()
    if owes:
        pod._conversations.announcing.dirty.doubt(RoomId("room"), Rev(0))
    await pod.stop()
    store = await open_store(settings(tmp_path))
    assert bool(await store.leases(SOLE_POD)) is owes
    await store.close()


def test_the_end_of_a_pod_takes_so_long_at_most() -> None:
    """What deployments grant a pod before they kill it."""
    assert longest_end(30) == 83
