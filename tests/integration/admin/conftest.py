"""Two pods over one store, and their operator."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import pytest

from tests.waiting import until
from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.adapters.embedded.pod_registry import InProcessPodRegistry
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.bootstrap import build
from whatchat.domain.audit import Record
from whatchat.domain.ports.store import Store
from whatchat.entrypoints.server import PodServer, listen, url_of
from whatchat.pod import Pod
from whatchat.services import Adapters
from whatchat.settings import Settings

WRITE, READ = "the operator's token", "a token that only reads"


@dataclass
class Station:
    """A pod that listens; ``url`` is its main port's."""

    pod: Pod
    url: str
    limiter: EmbeddedLimiter
    http: httpx.AsyncClient

    async def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = WRITE
    ) -> tuple[int, Any]:
        """Status and JSON of an answer of the admin API, or of any other."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await self.http.request(method, path, json=body, headers=headers)
        return answer.status_code, answer.json() if answer.content else None


@dataclass
class Site:
    """All pods, and what is behind them."""

    store: Store
    one: Station
    other: Station

    async def records(self) -> list[Record]:
        """What the audit log keeps by now."""
        waiting = await self.store.audit.pending(limit=10_000)
        return [msgspec.json.decode(one.body, type=Record) for one in waiting]


async def _station(
    store: Store, adapters: Adapters, limiter: EmbeddedLimiter, opened: AsyncExitStack
) -> Station:
    settings = Settings.model_validate(
        {
            "store_url": "sqlite://:memory:",
            "jwt_secret": "a secret that all these pods share",
            "admin_token": WRITE,
            "admin_read_token": READ,
            "drain_seconds": 0,
        }
    )
    pod = await build(settings, adapters, is_local=True)
    await pod.start()
    opened.push_async_callback(pod.stop)
    server = PodServer(pod.asgi, most_connections=100, websocket=pod.websocket)
    listener = listen("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="server")
    await until(lambda: server.started)

    async def end() -> None:
        await pod.drain(at_once=True)
        server.should_exit = True
        await serving

    opened.push_async_callback(end)
    http = httpx.AsyncClient(base_url=url_of(listener))
    opened.push_async_callback(http.aclose)
    return Station(pod, url_of(listener), limiter, http)


@pytest.fixture
def unopened() -> Store:
    """The store of the pods."""
    return SqliteStore(":memory:")


@pytest.fixture
async def site(unopened: Store) -> AsyncIterator[Site]:
    """Two pods that share all but their limiters."""
    store, exchange = unopened, InProcessExchange()
    await store.open()
    await store.migrate()
    registry, pods = InProcessSessionRegistry(), InProcessPodRegistry()
    async with AsyncExitStack() as opened:
        opened.push_async_callback(store.close)
        stations = []
        for _ in range(2):
            limiter = EmbeddedLimiter()
            adapters = Adapters(store, InProcessBroker(exchange), registry, limiter, pods=pods)
            stations.append(await _station(store, adapters, limiter, opened))
        yield Site(store, *stations)
