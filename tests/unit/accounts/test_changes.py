"""That what people change of themselves is known on every pod, and when."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.unit.accounts.line import Line
from tests.waiting import until
from whatchat.domain.ids import UserId
from whatchat.domain.polling import OVERLAP
from whatchat.domain.ports.account_store import Account
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.features.accounts.changes import AccountChanges
from whatchat.features.accounts.directory import CachedUserDirectory

ADA, BOB = UserId("ada"), UserId("bob")


@pytest.fixture
async def line(store: Store) -> Line:
    for user_id in (ADA, BOB):
        account = Account(
            user_id=user_id,
            username=user_id,
            display_name=user_id,
            password_hash="",
            created_at=utc_now(),
        )
        await store.accounts.add(account)
    return Line(store.accounts, "changed_since")


@pytest.fixture
async def directory(store: Store) -> AsyncIterator[CachedUserDirectory]:
    directory = CachedUserDirectory(store.accounts)
    yield directory
    await directory.close()


@pytest.fixture
async def heard(line: Line, directory: CachedUserDirectory) -> AsyncIterator[list[UserId]]:
    """Who is told to have changed, on a pod that polls fast."""
    changes, heard = AccountChanges(line, directory, poll_seconds=0.01), list[UserId]()
    changes.listen(heard.append)
    await changes.start()
    yield heard
    await changes.stop()


async def test_a_change_is_known_elsewhere_and_told_once(
    line: Line, store: Store, directory: CachedUserDirectory, heard: list[UserId]
) -> None:
    assert (await directory.privacy([ADA]))[ADA].presence == "contacts"
    await store.accounts.update(ADA, presence="nobody", display_name="Countess")
    await until(lambda: bool(heard), seconds=2)
    assert (await directory.privacy([ADA]))[ADA].presence == "nobody"
    assert (await directory.user(ADA)).display_name == "Countess"
    polls = len(line.asked)
    await until(lambda: len(line.asked) > polls + 5)
    assert heard == [ADA]
    await store.accounts.update(ADA, read_receipts=False)
    await until(lambda: heard == [ADA, ADA], seconds=2)
    assert not (await directory.privacy([ADA]))[ADA].read_receipts


async def test_what_changed_during_an_outage_is_learnt_after_it(
    line: Line, store: Store, heard: list[UserId], caplog: pytest.LogCaptureFixture
) -> None:
    line.cut = True
    await until(lambda: "changes of accounts cannot be read yet" in caplog.text)
    await store.accounts.update(BOB, presence="everyone")
    assert heard == []
    line.cut = False
    await until(lambda: heard == [BOB])


@pytest.mark.usefixtures("heard")
async def test_polls_overlap_by_the_stores_time(line: Line) -> None:
    await until(lambda: len(line.asked) > 1)
    assert line.asked[0] is None
    assert line.asked[1] is not None
    assert abs(line.asked[1] + OVERLAP - utc_now()).total_seconds() < 5


async def test_a_failing_listener_keeps_nothing_from_the_others(
    line: Line, store: Store, directory: CachedUserDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    changes, heard = AccountChanges(line, directory, poll_seconds=0.01), list[UserId]()

    def fail(user_id: UserId) -> None:
        raise KeyError(user_id)

    changes.listen(fail)
    changes.listen(heard.append)
    await changes.start()
    await store.accounts.update(ADA, presence="nobody")
    await until(lambda: heard == [ADA])
    await changes.stop()
    await asyncio.sleep(0)
    assert "a listener failed" in caplog.text
