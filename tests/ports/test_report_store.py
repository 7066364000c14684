"""What every store of reports guarantees."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from whatchat.domain.ids import MessageId, ReportId, RoomId, UserId, random_id
from whatchat.domain.ports.report_store import Report, ReportPosition, ReportState
from whatchat.domain.ports.store import Store

ADA, BOB, EVE = UserId("ada"), UserId("bob"), UserId("eve")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=1)


def report(
    reporter: UserId = ADA,
    user: UserId = BOB,
    message: str | None = None,
    *,
    at: datetime = NOON,
    report_id: str | None = None,
) -> Report:
    return Report(
        report_id=ReportId(report_id or random_id()),
        reporter_id=reporter,
        user_id=user,
        reason="Räuber & 'Gendarm'\n<b>",
        at=at,
        room_id=RoomId("room") if message else None,
        message_id=MessageId(message) if message else None,
    )


async def ids(store: Store, state: ReportState | None = None) -> list[ReportId]:
    return [one.report_id for one in await store.reports.page(state, before=None, limit=100)]


@pytest.mark.parametrize("message", [None, "room1"])
async def test_a_report_is_kept_as_it_was_filed(store: Store, message: str | None) -> None:
    filed = report(message=message)
    assert await store.reports.file(filed, most=9) == "filed"
    assert await store.reports.get(filed.report_id) == filed
    assert filed.state == "open"
    assert await store.reports.get(ReportId("another")) is None


@pytest.mark.parametrize("message", [None, "room1"])
async def test_of_the_same_one_is_open_at_a_time(store: Store, message: str | None) -> None:
    first = report(message=message)
    assert await store.reports.file(first, most=9) == "filed"
    assert await store.reports.file(report(message=message, at=LATER), most=9) == "repeated"
    assert await ids(store) == [first.report_id]
    assert await store.reports.same(report(message=message, at=LATER)) == first
    assert await store.reports.same(report(EVE, message=message)) is None
    assert await store.reports.same(report(message="another")) is None
    assert await store.reports.resolve(first.report_id, "dismissed", LATER)
    assert await store.reports.same(report(message=message)) is None
    assert await store.reports.file(report(message=message), most=9) == "filed"


async def test_reports_of_others_or_of_something_else_are_not_the_same(store: Store) -> None:
    different = [
        report(),
        report(EVE),
        report(user=EVE),
        report(message="room1"),
        report(message="room2"),
    ]
    assert [await store.reports.file(one, most=9) for one in different] == ["filed"] * 5
    assert await store.reports.open_about(BOB, limit=9) == 4
    assert await store.reports.open_about(BOB, limit=3) == 3
    assert await store.reports.open_about(EVE, limit=9) == 1
    assert await store.reports.open_about(ADA, limit=9) == 0


async def test_the_same_filed_at_once_is_filed_once(store: Store) -> None:
    outcomes = await asyncio.gather(*(store.reports.file(report(), most=99) for _ in range(20)))
    assert sorted(outcomes) == ["filed", *["repeated"] * 19]
    assert len(await ids(store)) == 1


async def test_one_person_has_so_many_open_and_no_more(store: Store) -> None:
    kept = [report(message=f"room{number}") for number in range(3)]
    for one in kept:
        assert await store.reports.file(one, most=3) == "filed"
    assert await store.reports.file(report(message="room9"), most=3) == "too_many"
    assert await store.reports.file(report(message="room1"), most=3) == "repeated"
    assert await store.reports.file(report(EVE, message="room9"), most=3) == "filed"
    assert await store.reports.resolve(kept[0].report_id, "other", LATER)
    assert await store.reports.file(report(message="room9"), most=3) == "filed"


async def test_a_report_is_resolved_once_and_stays_so(store: Store) -> None:
    filed = report()
    await store.reports.file(filed, most=9)
    assert not await store.reports.resolve(ReportId("another"), "banned", LATER)
    assert await store.reports.resolve(filed.report_id, "banned", LATER)
    assert not await store.reports.resolve(filed.report_id, "dismissed", NOON)
    found = await store.reports.get(filed.report_id)
    assert found is not None
    assert (found.state, found.resolution, found.resolved_at) == ("resolved", "banned", LATER)
    assert (found.reason, found.at) == (filed.reason, filed.at)
    assert await store.reports.open_about(BOB, limit=9) == 0


async def test_of_those_who_resolve_at_once_one_does(store: Store) -> None:
    filed = report()
    await store.reports.file(filed, most=9)
    done = await asyncio.gather(
        *(store.reports.resolve(filed.report_id, "other", LATER) for _ in range(20))
    )
    assert done.count(True) == 1


async def test_reports_are_listed_by_state_the_latest_first(store: Store) -> None:
    for name, at in [("a", NOON), ("c", NOON), ("b", NOON), ("d", LATER)]:
        await store.reports.file(report(message=name, at=at, report_id=name), most=9)
    await store.reports.resolve(ReportId("c"), "other", LATER)
    assert await ids(store) == ["d", "c", "b", "a"]
    assert await ids(store, "open") == ["d", "b", "a"]
    assert await ids(store, "resolved") == ["c"]


async def test_pages_of_reports_miss_nothing_and_repeat_nothing(store: Store) -> None:
    for number in range(9):
        at = NOON + timedelta(milliseconds=number // 4)
        await store.reports.file(report(message=str(number), at=at), most=9)
    found, before = [], None
    while page := await store.reports.page("open", before=before, limit=2):
        found += page
        before = ReportPosition(at=page[-1].at, report_id=page[-1].report_id)
    assert found == await store.reports.page(None, before=None, limit=100)
    assert len(found) == 9
