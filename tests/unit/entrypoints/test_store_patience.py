import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.store import NotLetIn, Unusable
from whatchat.entrypoints import store_patience
from whatchat.entrypoints.store_patience import patiently


class Store:
    """Fails in these ways, one after the other and the last for ever; none: it opens."""

    def __init__(self, failures: Sequence[Unavailable | None]) -> None:
        self._failures = list(failures)
        self.attempts = 0

    async def open(self) -> str:
        self.attempts += 1
        failure = self._failures.pop(0) if len(self._failures) > 1 else self._failures[0]
        if failure is not None:
            raise failure
        return "open"


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_patience, "PAUSE_SECONDS", 0.01)


async def test_a_store_that_comes_is_waited_for_and_the_reason_is_told_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store([Unavailable("nobody listens")] * 9 + [None])
    with capture_logs() as lines:
        assert await patiently(store.open, seconds=60) == "open"
    assert store.attempts == 10
    assert [line["reason"] for line in lines] == ["nobody listens"]
    monkeypatch.setattr(store_patience, "TELL_SECONDS", 0.0)
    with capture_logs() as lines:
        await patiently(Store([Unavailable("nobody listens")] * 3 + [None]).open, seconds=60)
    assert len(lines) == 3


async def test_a_store_that_does_not_come_is_given_up_with_the_last_reason() -> None:
    store = Store([Unavailable("nobody listens"), Unavailable("no primary")])
    with pytest.raises(Unavailable, match="no primary"):
        await asyncio.wait_for(patiently(store.open, seconds=0.2), 10)
    assert store.attempts > 2


async def test_what_can_never_be_is_not_waited_for() -> None:
    store = Store([Unusable("the URL is not usable")])
    with pytest.raises(Unusable):
        await asyncio.wait_for(patiently(store.open, seconds=60), 10)
    assert store.attempts == 1


async def test_a_name_that_stays_unknown_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store_patience, "LET_IN_SECONDS", 0.1)
    store = Store([NotLetIn("wrong password")])
    with pytest.raises(NotLetIn):
        await asyncio.wait_for(patiently(store.open, seconds=60), 10)
    later = Store([NotLetIn("wrong password"), Unavailable("away"), NotLetIn("wrong"), None])
    assert await patiently(later.open, seconds=60) == "open"
