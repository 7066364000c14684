"""What every store of last moments guarantees."""

from datetime import UTC, datetime, timedelta

from whatchat.domain.ids import UserId
from whatchat.domain.ports.store import Store

ADA, BOB, EVE = UserId("ada"), UserId("bob"), UserId("eve")
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(seconds=1.5)


async def test_a_moment_is_kept_and_never_goes_back(store: Store) -> None:
    await store.seen.note({})
    assert await store.seen.of([ADA]) == {}
    await store.seen.note({ADA: NOON, BOB: LATER})
    assert await store.seen.of([ADA, BOB, EVE]) == {ADA: NOON, BOB: LATER}
    await store.seen.note({ADA: LATER, BOB: NOON})
    assert await store.seen.of([ADA, BOB]) == {ADA: LATER, BOB: LATER}
    assert await store.seen.of([EVE]) == await store.seen.of([]) == {}
