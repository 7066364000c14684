"""Every adapter of a port, each put through the port's one suite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from whatchat.adapters.embedded.store import SqliteStore
from whatchat.domain.ports.store import Store


@pytest.fixture(params=["sqlite-file", "sqlite-memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An opened, migrated store of each kind, empty."""
    path = str(tmp_path / "store.db") if request.param == "sqlite-file" else ":memory:"
    store: Store = SqliteStore(path)
    await store.open()
    await store.migrate()
    yield store
    await store.close()
