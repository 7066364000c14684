"""Owners of what the tests start."""

from collections.abc import AsyncIterator

import pytest

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
