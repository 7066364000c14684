"""What it costs a person that somebody whom it blocked writes to it without end, in SQLite."""

import pytest

from tests.hidden_flood import HIDDEN, READS, a_room
from whatchat.adapters.embedded.store import SqliteStore

A_FEW = 100


async def steps(name: str, hidden: int) -> int:
    """How many steps the engine takes to read something in a room."""
    taken = 0

    def step() -> None:
        nonlocal taken
        taken += 1

    store = SqliteStore(":memory:")
    await store.open()
    await store.migrate()
    try:
        room_id = await a_room(store, hidden)
        await store._database.write(lambda connection: connection.set_progress_handler(step, 1))
        await READS[name](store, room_id)
    finally:
        await store.close()
    return taken


@pytest.mark.parametrize("name", READS)
async def test_reading_passes_over_nothing_that_is_hidden(name: str) -> None:
    assert 0 < await steps(name, HIDDEN) < await steps(name, 0) + A_FEW
