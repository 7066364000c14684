"""Whole pods, put together as the product is, in one process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.bootstrap import CannotRun, build
from whatchat.entrypoints import pod_lease
from whatchat.pod import Adapters, Pod
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
    async with running(await build(settings(tmp_path))) as client:
        account = await register(client, "ada")
        body = {"kind": "group", "name": "Engines", "participants": []}
        room = (await client.post("/api/rooms", json=body)).json()
        sent = {"roomId": room["id"], "clientId": "c" * 16, "content": "hello"}
        assert (await client.post("/api/messages", json=sent)).status_code == 201
        assert (await client.get("/readyz")).json()["ready"] is True
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


async def test_a_pod_that_drains_is_not_ready(tmp_path: Path) -> None:
    pod = await build(settings(tmp_path))
    async with running(pod) as client:
        await pod.drain()
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/livez")).status_code == 200
