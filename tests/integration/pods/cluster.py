"""Several pods in one process, over one MongoDB and one Redis."""

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Self

import httpx

from tests.servers.redis_parts import connected
from tests.waiting import until
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.adapters.embedded.tally import InProcessTally
from whatchat.adapters.mongo.store import MongoStore
from whatchat.adapters.redis.broker import RedisBroker
from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.limiter import RedisLimiter
from whatchat.adapters.redis.pod_registry import RedisPodRegistry
from whatchat.adapters.redis.servers import Servers
from whatchat.adapters.redis.session_registry import RedisSessionRegistry
from whatchat.adapters.redis.tally import RedisTally
from whatchat.audit.trail import Trail
from whatchat.background.last_words import POD_LEASES
from whatchat.bootstrap import build, queues_of
from whatchat.domain.ids import random_id
from whatchat.domain.ports.moderation import Moderation
from whatchat.domain.ports.store import Store
from whatchat.entrypoints.pod_lease import PodLease
from whatchat.entrypoints.server import PodServer, listen, url_of
from whatchat.observability.metrics import Metrics
from whatchat.pod import Pod
from whatchat.services import Adapters, Ground
from whatchat.settings import Settings
from whatchat.worker import Worker

SECRET = "a secret that all these pods share"
MOST_CONNECTIONS = 1_000


@dataclass(frozen=True)
class Node:
    """A pod that listens, with connections of its own to everything that pods share."""

    name: str
    url: str
    broker: RedisBroker
    metrics: Metrics
    moderation: Moderation
    _lease: asyncio.Task[None]

    async def is_ready(self) -> bool:
        """Whether load balancers are told to send clients here."""
        async with httpx.AsyncClient() as http:
            return (await http.get(f"{self.url}/readyz")).status_code == 200

    async def end_lease(self) -> None:
        """Renew the lease no more, without giving it up: as when the process is gone."""
        self._lease.cancel()
        with suppress(asyncio.CancelledError):
            await self._lease


@dataclass(frozen=True)
class Aide:
    """A worker, with connections of its own."""

    broker: RedisBroker
    _worker: Worker

    async def die(self) -> None:
        """Stop in the middle of everything."""
        await self._worker.stop()


class Cluster:
    """Opens pods and workers; ``async with`` closes them, the latest first.

    Limits are off unless ``settings`` have ``rate_limits`` on.
    """

    def __init__(self, mongo_url: str, redis_url: str, **settings: object) -> None:
        self._redis_url = redis_url
        self._settings = Settings.model_validate(
            {
                "store_url": mongo_url,
                "redis_url": redis_url,
                "jwt_secret": SECRET,
                "drain_seconds": 0,
                "rate_limits": "off",
                **settings,
            }
        )
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop all pods; harmless if that has happened."""
        await self._opened.aclose()

    async def nodes(self, count: int) -> list[Node]:
        """So many pods."""
        return [await self.node() for _ in range(count)]

    async def node(self, redis_url: str | None = None, *, port: int = 0) -> Node:
        """One more pod, which may have a way to Redis of its own; 0 is a free port."""
        metrics = Metrics()
        servers = await self._servers(redis_url, metrics)
        store = await self._store()
        broker = await self._broker(servers, metrics, store)
        sessions = RedisSessionRegistry(servers, Keys())
        tally = RedisTally(servers, Keys(), InProcessTally(), metrics)
        limiter = None
        if self._settings.rate_limits == "on":
            limiter = RedisLimiter(servers, Keys(), EmbeddedLimiter(), metrics)
        pods = RedisPodRegistry(servers, Keys())
        adapters = Adapters(store, broker, sessions, limiter, tally, pods)
        pod = await build(self._settings, adapters, is_local=True)
        lease = await self._lease(store, pod)
        await pod.start()
        self._opened.push_async_callback(pod.stop)
        url = await self._listening(pod, port)
        return Node(pod.name, url, broker, pod.metrics, pod._people.moderation, lease)

    async def worker(self) -> Aide:
        """A worker beside the pods."""
        metrics = Metrics()
        servers = await self._servers(None, metrics)
        store = await self._store()
        broker = await self._broker(servers, metrics, store)
        adapters = Adapters(store, broker, RedisSessionRegistry(servers, Keys()))
        name = f"worker-{random_id()}"
        trail = Trail(name, store.audit, metrics)
        ground = Ground(name, self._settings, adapters, await store.identity(), metrics, trail)
        worker = Worker(ground, queues_of(servers, Keys(), metrics))
        await worker.start()
        self._opened.push_async_callback(worker.stop)
        return Aide(broker, worker)

    async def _servers(self, redis_url: str | None, metrics: Metrics) -> Servers:
        url = redis_url or self._redis_url
        return await self._opened.enter_async_context(connected(url, metrics))

    async def _broker(self, servers: Servers, metrics: Metrics, store: Store) -> RedisBroker:
        broker = RedisBroker(servers, Keys(), metrics, (await store.identity()).secret)
        await broker.start()
        self._opened.push_async_callback(broker.close)
        return broker

    async def _store(self) -> Store:
        store = MongoStore(self._settings.store_url)
        await store.open()
        self._opened.push_async_callback(store.close)
        await store.migrate()
        return store

    async def _lease(self, store: Store, pod: Pod) -> "asyncio.Task[None]":
        lease = PodLease(store, pod.name, lease=f"{POD_LEASES}{pod.name}")
        assert await lease.acquire()
        keeping = asyncio.create_task(lease.keep(pod.must_end.set), name="lease")

        async def release() -> None:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            await lease.release()

        self._opened.push_async_callback(release)
        return keeping

    async def _listening(self, pod: Pod, port: int) -> str:
        server = PodServer(pod.asgi, most_connections=MOST_CONNECTIONS, websocket=pod.websocket)
        listener = listen("127.0.0.1", port)
        url = url_of(listener)
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="server")
        await until(lambda: server.started)

        async def end() -> None:
            await pod.drain(at_once=True)
            server.should_exit = True
            await serving

        self._opened.push_async_callback(end)
        return url
