"""The composition root: alone chooses adapters."""

import socket
from contextlib import AsyncExitStack
from functools import partial
from typing import NamedTuple

import structlog

from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.adapters.embedded.tally import InProcessTally
from whatchat.adapters.redis.broker import RedisBroker
from whatchat.adapters.redis.dialing import Unreachable
from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.limiter import RedisLimiter
from whatchat.adapters.redis.opening import servers_of
from whatchat.adapters.redis.pod_registry import RedisPodRegistry
from whatchat.adapters.redis.servers import Servers
from whatchat.adapters.redis.session_registry import RedisSessionRegistry
from whatchat.adapters.redis.tally import RedisTally
from whatchat.adapters.redis.url import parse
from whatchat.adapters.redis.work_queue import RedisWorkQueue
from whatchat.audit.trail import Trail
from whatchat.background.last_words import CLAIM_SECONDS, POD_LEASES
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import random_id
from whatchat.domain.ports.limiter import Limiter
from whatchat.domain.ports.store import Store, Unusable
from whatchat.entrypoints.pod_lease import SOLE_POD, PodLease
from whatchat.entrypoints.store_patience import patiently
from whatchat.observability.metrics import Metrics
from whatchat.observability.spans import Systems
from whatchat.observability.tracing import OFF, Tracing
from whatchat.pod import Pod
from whatchat.services import Adapters, Ground
from whatchat.settings import BadSetting, Settings
from whatchat.worker import GROUPS, Queues, Worker

log = structlog.get_logger("whatchat")


class CannotRun(Exception):
    """Something outside the settings is in the way; the text is one line."""


async def build(
    settings: Settings, adapters: Adapters | None = None, *, is_local: bool = False
) -> Pod:
    """Put a pod together, without starting it.

    ``adapters`` are injected by tests that run several pods in one process: the store open
    and migrated, all left open when the pod stops. Otherwise the settings choose them; without
    Redis the pod is the only one on its store. ``is_local``: only this machine reaches its
    main port. Raises :class:`BadSetting` or
    :class:`CannotRun`, and then leaves nothing open.
    """
    name, metrics = _name(), Metrics()
    async with AsyncExitStack() as opened:
        tracing = _tracing(settings, name, metrics, opened)  # closed last: nothing waits for it
        lease = None
        if adapters is None:
            adapters = await _choose(settings, metrics, opened)
            lease = await _lease(settings, adapters.store, name)
            opened.push_async_callback(lease.release)
        identity = await adapters.store.identity()
        pod = Pod(
            name, settings, adapters, identity, lease, metrics, is_local=is_local, tracing=tracing
        )
        await pod.owns(opened.pop_all())
    return pod


async def build_worker(settings: Settings) -> Worker:
    """Put a worker together, without starting it.

    Raises :class:`BadSetting` or :class:`CannotRun`, and then leaves nothing open.
    """
    if settings.sqlite_path is not None:
        raise BadSetting(
            "WHATCHAT_STORE_URL: the embedded store has no background work; workers need mongodb://"
        )
    if not settings.redis_url:
        raise BadSetting("WHATCHAT_REDIS_URL: workers need the Redis of their pods")
    name, metrics = _name(), Metrics()
    async with AsyncExitStack() as opened:
        store = await open_store(settings, metrics)
        opened.push_async_callback(store.close)
        redis = await _reach(settings, metrics, opened)
        adapters = await _with_redis(redis, store, None, metrics, opened)
        trail = Trail(name, store.audit, metrics)
        ground = Ground(name, settings, adapters, await store.identity(), metrics, trail)
        worker = Worker(ground, queues_of(*redis, metrics))
        await worker.owns(opened.pop_all())
    return worker


def queues_of(servers: Servers, keys: Keys, metrics: Metrics) -> Queues:
    """The work queue that all workers share."""
    queue = partial(RedisWorkQueue, servers, keys, "log", GROUPS, metrics)
    return Queues(common=queue(), last_words=queue(claim_seconds=CLAIM_SECONDS))


async def open_store(settings: Settings, metrics: Metrics | None = None) -> Store:
    """The store that the settings name, open and migrated; ``metrics`` tell how it does."""
    try:
        return await _opened(settings, metrics)
    except Unavailable as error:
        raise BadSetting(f"WHATCHAT_STORE_URL: {error.text}") from error


async def wait_for_store(settings: Settings, *, seconds: float) -> Store:
    """The same, tried again for so long. Raises :class:`CannotRun` once that is over."""
    try:
        return await patiently(partial(_opened, settings), seconds=seconds)
    except Unusable as error:
        raise BadSetting(f"WHATCHAT_STORE_URL: {error.text}") from error
    except Unavailable as error:
        raise CannotRun(f"WHATCHAT_STORE_URL: {error.text}") from error


async def _opened(settings: Settings, metrics: Metrics | None = None) -> Store:
    store = _store(settings, metrics)
    try:
        await store.open()
        await store.migrate()
    except BaseException:
        await store.close()
        raise
    return store


async def open_for_reading(settings: Settings) -> Store:
    """The store that the settings name, as it is: nothing is made, migrated or written.

    It may be in use by a pod. Raises :class:`BadSetting` if there is none.
    """
    store = _store(settings, reads_only=True)
    try:
        await store.open()
    except Unavailable as error:
        await store.close()
        raise BadSetting(f"WHATCHAT_STORE_URL: {error.text}") from error
    return store


def _store(
    settings: Settings, metrics: Metrics | None = None, *, reads_only: bool = False
) -> Store:
    path = settings.sqlite_path
    if path is not None:
        return SqliteStore(path, metrics=metrics, reads_only=reads_only)
    # Without MongoDB a node starts faster, and smaller, without its driver.
    from whatchat.adapters.mongo.store import MongoStore

    return MongoStore(settings.store_url, metrics=metrics)


def _name() -> str:
    return f"{socket.gethostname()[:40]}-{random_id()[:8]}"


def _tracing(settings: Settings, pod: str, metrics: Metrics, opened: AsyncExitStack) -> Tracing:
    """What makes spans, if they are to go anywhere: only then are the libraries loaded."""
    if settings.otlp_endpoint is None:
        return OFF
    from whatchat.observability.otlp import exporter_to

    exporter = exporter_to(settings.otlp_endpoint, settings.collector_headers, pod, metrics.spans)
    opened.push_async_callback(exporter.close)
    systems = Systems(
        store="mongodb" if settings.sqlite_path is None else "sqlite",
        broker="redis" if settings.redis_url else "in_process",
    )
    return Tracing(settings.trace_ratio, exporter.take, systems)


async def _choose(settings: Settings, metrics: Metrics, opened: AsyncExitStack) -> Adapters:
    store = await open_store(settings, metrics)
    opened.push_async_callback(store.close)
    local = EmbeddedLimiter() if settings.rate_limits == "on" else None
    if settings.redis_url:
        redis = await _reach(settings, metrics, opened)
        return await _with_redis(redis, store, local, metrics, opened)
    broker = InProcessBroker(InProcessExchange(), metrics.broker_published.inc)
    opened.push_async_callback(broker.close)
    return Adapters(
        store=store,
        broker=broker,
        sessions=InProcessSessionRegistry(),
        limiter=local,
        tally=InProcessTally(),
    )


class _Redis(NamedTuple):
    servers: Servers
    keys: Keys


async def _reach(settings: Settings, metrics: Metrics, opened: AsyncExitStack) -> _Redis:
    """The servers that the URL names, and the names that are used there.

    They are connected, but in production they may also be away: it does not start less often
    than it runs. What says that the URL is wrong is not accepted anywhere.
    """
    try:
        parsed = parse(settings.redis_url)
        servers = servers_of(parsed, metrics)
        opened.push_async_callback(servers.close)
        await servers.start()
    except Unreachable as error:
        if settings.env != "production":
            raise BadSetting(f"WHATCHAT_REDIS_URL: {error.text}") from error
        log.warning(
            "starting without Redis: check that it runs and that WHATCHAT_REDIS_URL is right",
            reason=error.text,
        )
        servers.start_soon()
    except Unavailable as error:
        raise BadSetting(f"WHATCHAT_REDIS_URL: {error.text}") from error
    return _Redis(servers, Keys(parsed.database))


async def _with_redis(
    redis: _Redis, store: Store, local: Limiter | None, metrics: Metrics, opened: AsyncExitStack
) -> Adapters:
    broker = RedisBroker(*redis, metrics, (await store.identity()).secret)
    opened.push_async_callback(broker.close)
    try:
        await broker.start()
    except Unreachable as error:
        # Told before, in production; else Redis has gone away within this moment.
        log.info("Redis is not heard yet", reason=error.text)
    except Unavailable as error:
        raise BadSetting(f"WHATCHAT_REDIS_URL: {error.text}") from error
    return Adapters(
        store=store,
        broker=broker,
        sessions=RedisSessionRegistry(*redis),
        limiter=local and RedisLimiter(*redis, local, metrics),
        tally=RedisTally(*redis, InProcessTally(), metrics),
        pods=RedisPodRegistry(*redis),
    )


async def _lease(settings: Settings, store: Store, name: str) -> PodLease:
    """The pod's right to work on its store: alone, or as one of several."""
    several = bool(settings.redis_url)
    lease = PodLease(store, name, lease=f"{POD_LEASES}{name}" if several else SOLE_POD)
    others = SOLE_POD if several else POD_LEASES
    if await lease.acquire() and await lease.is_without(others):
        return lease
    await lease.release()
    raise CannotRun("another pod runs on this store; several need WHATCHAT_REDIS_URL, all of them")
