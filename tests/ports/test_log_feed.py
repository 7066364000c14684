"""What every feed of the log guarantees."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.integration.mongo.entries import ADA, BOB, created, entry, post
from whatchat.domain.ids import Rev, RoomId, Seq, random_id
from whatchat.domain.log import MemberRemoved, MessageEdited
from whatchat.domain.ports.log_feed import LogFeed
from whatchat.domain.ports.store import Store
from whatchat.domain.ports.work_queue import Job
from whatchat.domain.times import utc_now

PATIENCE_SECONDS = 10.0

Place = tuple[RoomId, Rev]


@pytest.fixture
def room_id() -> RoomId:
    return RoomId(random_id())


@pytest.fixture
def feed(store: Store) -> LogFeed:
    return store.feed


def places(jobs: Sequence[Job]) -> list[Place]:
    return [(job.room_id, job.rev) for job in jobs]


async def read(feed: LogFeed, after: bytes | None, count: int, *rooms: RoomId) -> list[Job]:
    """So many jobs of these rooms, each when it first comes."""
    jobs: dict[Place, Job] = {}
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(jobs) < count:
            for job in await feed.read(after):
                after = job.position
                if job.room_id in rooms:
                    jobs.setdefault((job.room_id, job.rev), job)
    return list(jobs.values())


async def read_all(feed: LogFeed, after: bytes) -> bytes:
    """Read until nothing more comes; how far that is."""
    while jobs := await feed.read(after):
        after = jobs[-1].position
    return after


async def write(store: Store, room_id: RoomId, first: int, last: int) -> list[Place]:
    for rev in range(first, last + 1):
        change = created(ADA, BOB) if rev == 1 else post()
        await store.messages.append([entry(room_id, rev, change)])
    return [(room_id, Rev(rev)) for rev in range(first, last + 1)]


async def test_it_tells_all_rooms_in_the_order_of_writing(store: Store, feed: LogFeed) -> None:
    rooms = [RoomId(random_id()) for _ in range(3)]
    written = []
    for rev in range(1, 5):
        for room_id in rooms:
            written += await write(store, room_id, rev, rev)
    assert places(await read(feed, None, len(written), *rooms)) == written


async def test_a_job_says_what_it_is_about(store: Store, feed: LogFeed, room_id: RoomId) -> None:
    await store.messages.append([entry(room_id, 1, created(ADA, BOB))])
    await store.messages.append([entry(room_id, 2, post())])
    await store.messages.append([entry(room_id, 3, MessageEdited(seq=Seq(2), content="a secret"))])
    await store.messages.append([entry(room_id, 4, MemberRemoved(user_id=BOB))])
    jobs = await read(feed, None, 4, room_id)
    assert [job.kind for job in jobs] == ["created", "posted", "edited", "removed"]
    assert {job.pod for job in jobs} == {"pod"}
    assert all(abs(job.stored_at - utc_now()) < timedelta(seconds=3) for job in jobs)
    assert len({job.position for job in jobs}) == 4
    assert "secret" not in repr(jobs)


async def test_what_is_written_while_somebody_reads_comes_soon(
    store: Store, feed: LogFeed, room_id: RoomId
) -> None:
    await write(store, room_id, 1, 1)
    (first,) = await read(feed, None, 1, room_id)
    head = await read_all(feed, first.position)
    reading = asyncio.create_task(read(feed, head, 1, room_id))
    await asyncio.sleep(0.1)
    written = await write(store, room_id, 2, 2)
    async with asyncio.timeout(1.0):
        assert places(await reading) == written


async def test_what_comes_behind_a_job_does_not_begin_with_it(
    store: Store, feed: LogFeed, room_id: RoomId
) -> None:
    written = await write(store, room_id, 1, 9)
    jobs = await read(feed, None, 9, room_id)
    for number in (8, 3, 0, 5):
        rest = (
            await read(feed, jobs[number].position, 9 - number - 1, room_id) if number < 8 else []
        )
        assert places(rest) == written[number + 1 :]
    await feed.close()
    assert places(await read(feed, jobs[6].position, 2, room_id)) == written[7:]


async def test_from_before_a_job_it_comes_again(
    store: Store, feed: LogFeed, room_id: RoomId
) -> None:
    written = await write(store, room_id, 1, 6)
    jobs = await read(feed, None, 6, room_id)
    for number in (5, 0, 2):
        again = await read(feed, feed.before(jobs[number].position), 6 - number, room_id)
        assert places(again) == written[number:]


async def test_a_feed_that_is_asked_twice_says_the_same(
    store: Store, feed: LogFeed, room_id: RoomId
) -> None:
    await write(store, room_id, 1, 4)
    jobs = await read(feed, None, 4, room_id)
    assert places(await read(feed, jobs[1].position, 2, room_id)) == places(jobs[2:])
    assert places(await read(feed, jobs[1].position, 2, room_id)) == places(jobs[2:])


async def test_a_log_longer_than_one_answer_is_told_whole(
    store: Store, feed: LogFeed, room_id: RoomId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whatchat.adapters.mongo.log_feed.PAGE", 7)
    monkeypatch.setattr("whatchat.adapters.embedded.log_feed.PAGE", 7)
    written = await write(store, room_id, 1, 40)
    jobs = await read(feed, None, 40, room_id)
    assert places(jobs) == written
    assert places(await read(feed, jobs[4].position, 35, room_id)) == written[5:]


async def test_the_bookmark_is_moved_by_who_knows_where_it_is(feed: LogFeed) -> None:
    assert await feed.bookmark() is None
    assert not await feed.move_bookmark(b"2", expected=b"1")
    assert await feed.bookmark() is None
    moved = await asyncio.gather(*(feed.move_bookmark(b"1", expected=None) for _ in range(4)))
    assert sorted(moved) == [False, False, False, True]
    assert await feed.move_bookmark(b"2", expected=b"1")
    assert not await feed.move_bookmark(b"0", expected=b"1")
    assert await feed.move_bookmark(b"2", expected=b"2")
    assert await feed.bookmark() == b"2"
