"""The composition root: alone chooses adapters."""

import socket
from contextlib import AsyncExitStack

from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.adapters.mongo.store import MongoStore
from whatchat.adapters.redis.broker import RedisBroker
from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.limiter import RedisLimiter
from whatchat.adapters.redis.opening import servers_of
from whatchat.adapters.redis.session_registry import RedisSessionRegistry
from whatchat.adapters.redis.url import parse
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import random_id
from whatchat.domain.ports.limiter import Limiter
from whatchat.domain.ports.store import Store
from whatchat.entrypoints.pod_lease import SOLE_POD, PodLease
from whatchat.observability.metrics import Metrics
from whatchat.pod import Adapters, Pod
from whatchat.roomlog.succession import POD_LEASES
from whatchat.settings import BadSetting, Settings


class CannotRun(Exception):
    """Something outside the settings is in the way; the text is one line."""


async def build(settings: Settings, adapters: Adapters | None = None) -> Pod:
    """Put a pod together, without starting it.

    ``adapters`` are injected by tests that run several pods in one process: the store open
    and migrated, all left open when the pod stops. Otherwise the settings choose them; without
    Redis the pod is the only one on its store. Raises :class:`BadSetting` or
    :class:`CannotRun`, and then leaves nothing open.
    """
    name = f"{socket.gethostname()[:40]}-{random_id()[:8]}"
    metrics = Metrics()
    async with AsyncExitStack() as opened:
        lease = None
        if adapters is None:
            adapters = await _choose(settings, metrics, opened)
            lease = await _lease(settings, adapters.store, name)
            opened.push_async_callback(lease.release)
        pod = Pod(name, settings, adapters, await adapters.store.identity(), lease, metrics)
        await pod.owns(opened.pop_all())
    return pod


async def open_store(settings: Settings) -> Store:
    """The store that the settings name, open and migrated."""
    path = settings.sqlite_path
    store: Store = MongoStore(settings.store_url) if path is None else SqliteStore(path)
    try:
        await store.open()
        await store.migrate()
    except Unavailable as error:
        await store.close()
        raise BadSetting(f"WHATCHAT_STORE_URL: {error.text}") from error
    return store


async def _choose(settings: Settings, metrics: Metrics, opened: AsyncExitStack) -> Adapters:
    store = await open_store(settings)
    opened.push_async_callback(store.close)
    local = EmbeddedLimiter() if settings.rate_limits == "on" else None
    if settings.redis_url:
        return await _with_redis(settings.redis_url, store, local, metrics, opened)
    broker = InProcessBroker(InProcessExchange())
    opened.push_async_callback(broker.close)
    return Adapters(store=store, broker=broker, sessions=InProcessSessionRegistry(), limiter=local)


async def _with_redis(
    url: str, store: Store, local: Limiter | None, metrics: Metrics, opened: AsyncExitStack
) -> Adapters:
    try:
        parsed = parse(url)
        servers, keys = servers_of(parsed, metrics), Keys(parsed.database)
        await servers.start()
        opened.push_async_callback(servers.close)
        broker = RedisBroker(servers, keys, metrics)
        await broker.start()
    except Unavailable as error:
        raise BadSetting(f"WHATCHAT_REDIS_URL: {error.text}") from error
    opened.push_async_callback(broker.close)
    return Adapters(
        store=store,
        broker=broker,
        sessions=RedisSessionRegistry(servers, keys),
        limiter=local and RedisLimiter(servers, keys, local, metrics),
    )


async def _lease(settings: Settings, store: Store, name: str) -> PodLease:
    """The pod's right to work on its store: alone, or as one of several."""
    if settings.redis_url:
        lease = PodLease(store, name, lease=f"{POD_LEASES}{name}")
        await lease.acquire()
        return lease
    lease = PodLease(store, name, lease=SOLE_POD)
    if not await lease.acquire():
        raise CannotRun("another pod runs on this store; several need WHATCHAT_REDIS_URL")
    return lease
