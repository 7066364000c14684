"""The composition root: alone chooses adapters."""

import socket
from contextlib import AsyncExitStack

from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import random_id
from whatchat.domain.ports.store import Store
from whatchat.entrypoints.pod_lease import PodLease
from whatchat.pod import Adapters, Pod
from whatchat.settings import BadSetting, Settings


class CannotRun(Exception):
    """Something outside the settings is in the way; the text is one line."""


async def build(settings: Settings, adapters: Adapters | None = None) -> Pod:
    """Put a pod together, without starting it.

    ``adapters`` are injected by tests that run several pods in one process: the store open
    and migrated, all left open when the pod stops. Otherwise the settings choose them, and
    the pod is the only one on its store. Raises :class:`BadSetting` or :class:`CannotRun`,
    and then leaves nothing open.
    """
    name = f"{socket.gethostname()[:40]}-{random_id()[:8]}"
    async with AsyncExitStack() as opened:
        lease = None
        if adapters is None:
            adapters = await _choose(settings, opened)
            lease = await _sole_pod(adapters.store, name)
            opened.push_async_callback(lease.release)
        pod = Pod(name, settings, adapters, await adapters.store.identity(), lease)
        await pod.owns(opened.pop_all())
    return pod


async def open_store(settings: Settings) -> Store:
    """The store that the settings name, open and migrated."""
    path = settings.sqlite_path
    if path is None:
        raise BadSetting("WHATCHAT_STORE_URL: mongodb:// is not supported by this version")
    store: Store = SqliteStore(path)
    try:
        await store.open()
        await store.migrate()
    except Unavailable as error:
        await store.close()
        raise BadSetting(f"WHATCHAT_STORE_URL: {error.text}") from error
    return store


async def _choose(settings: Settings, opened: AsyncExitStack) -> Adapters:
    if settings.redis_url:
        raise BadSetting("WHATCHAT_REDIS_URL: Redis is not supported by this version")
    store = await open_store(settings)
    opened.push_async_callback(store.close)
    broker = InProcessBroker(InProcessExchange())
    opened.push_async_callback(broker.close)
    return Adapters(
        store=store,
        broker=broker,
        sessions=InProcessSessionRegistry(),
        limiter=EmbeddedLimiter() if settings.rate_limits == "on" else None,
    )


async def _sole_pod(store: Store, name: str) -> PodLease:
    lease = PodLease(store, name)
    if not await lease.acquire():
        raise CannotRun("another pod runs on this store; several need WHATCHAT_REDIS_URL")
    return lease
