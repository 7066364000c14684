"""Every adapter of a port, each put through the port's one suite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from whatchat.adapters.embedded.store import SqliteStore
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.ports.store import Store


@pytest.fixture(params=["sqlite-file", "sqlite-memory", "mongo"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An opened, migrated store of each kind, empty."""
    store: Store
    if request.param == "mongo":
        store = MongoStore(request.getfixturevalue("mongo_url"))
    else:
        store = SqliteStore(
            str(tmp_path / "store.db") if request.param == "sqlite-file" else ":memory:"
        )
    await store.open()
    await store.migrate()
    yield store
    await store.close()
