from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from whatchat.adapters.embedded.store import SqliteStore
from whatchat.domain.ports.store import Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = SqliteStore(str(tmp_path / "whatchat.db"))
    await store.open()
    await store.migrate()
    yield store
    await store.close()
