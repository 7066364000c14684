"""Owners of what the tests start."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.realtime.pod import Pod
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.realtime.deadlines import Deadlines
from whatchat.realtime.tasks import Tasks


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    owner = Tasks()
    yield owner
    await owner.close()


@pytest.fixture
async def deadlines() -> AsyncIterator[Deadlines]:
    timers = Deadlines()
    yield timers
    timers.close()


@pytest.fixture
async def pod(deadlines: Deadlines, tasks: Tasks) -> AsyncIterator[Pod]:
    store = SqliteStore(":memory:")
    await store.open()
    await store.migrate()
    yield Pod(store, deadlines, tasks)
    await tasks.close()
    await store.close()
