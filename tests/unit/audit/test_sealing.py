"""What waits is chained, and the chain's heads are signed and handed outside."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from msgspec.structs import replace
from structlog.testing import LogCapture, capture_logs

from tests.waiting import until
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.audit.chain import GENESIS, chained
from whatchat.audit.handing_out import HandingOut
from whatchat.audit.heads import Head, HeadKey, read_head
from whatchat.audit.sealing import BATCH, ROUND_SECONDS, Sealing
from whatchat.background.routine import Routine
from whatchat.domain.ports.audit_store import KeptHead, Pending, Sealed
from whatchat.observability.metrics import Metrics

KEY = HeadKey.derived_from(b"a secret of the tests, long enough")
EVERYTHING = 10_000
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)

GOLDEN = (
    b'{"at":"2026-01-31T12:00:00.000Z","digest":"eaa64fb97a7918ffc2d3363bc80cbcb283112bd359832'
    b'b6593028ea2a19d11d5","key":"fid6urm5sGtgZ72ZdZRjDhx9N-kNBBG8EcnuOqZ7Gd0","seq":1,"signat'
    b'ure":"7z82e4M2lhwcQdXSL_h1ZqbZ5rCBsOC1zM766rXGQfXFBRh_HAqs5VUk2CHFwZ3DcFs22_GqQy_FlodwBn'
    b'pvAQ","v":1}'
)


class Timer:
    """Goes on when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    store = SqliteStore(":memory:")
    await store.open()
    await store.migrate()
    yield store
    await store.close()


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def heads_file(tmp_path: Path) -> Path:
    return tmp_path / "heads"


@pytest.fixture
def sealing(store: SqliteStore, timer: Timer, heads_file: Path) -> Sealing:
    return made(store, timer, heads_file)


def made(
    store: SqliteStore,
    timer: Timer,
    file: Path | None,
    name: str = "one",
    key: HeadKey | None = KEY,
    metrics: Metrics | None = None,
) -> Sealing:
    return Sealing(
        *(store, name, metrics or Metrics(), key, HandingOut(file)), head_seconds=60, timer=timer
    )


def is_alarmed(metrics: Metrics) -> bool:
    return b"whatchat_audit_chain_broken 1.0" in metrics.render()


def waiting(*numbers: int) -> list[Pending]:
    return [Pending(record_id=f"r-{number}", body=b'{"v":%d}' % number) for number in numbers]


def lines(file: Path) -> list[bytes]:
    return file.read_bytes().splitlines() if file.exists() else []


def outside(file: Path) -> list[Head]:
    heads = list(map(read_head, lines(file)))
    assert all(head is not None and head.is_signed for head in heads)
    return [head for head in heads if head is not None]


def cut_off(file: Path) -> None:
    file.write_text('{"at": "2026')


async def test_what_waits_is_chained_in_order(store: SqliteStore, sealing: Sealing) -> None:
    await store.audit.add(waiting(*range(BATCH + 3)))
    assert await sealing.step(more=True) == 0
    await sealing.step(more=True)
    chain = await store.audit.read(after=0, limit=EVERYTHING)
    assert chain == chained(waiting(*range(BATCH + 3)), None)
    assert chain[0].previous == GENESIS
    assert await store.audit.pending(limit=1) == []


async def test_the_next_sealer_goes_on(store: SqliteStore, timer: Timer) -> None:
    one, other = made(store, timer, None, "one"), made(store, timer, None, "other")
    await store.audit.add(waiting(1, 2))
    await one.step(more=True)
    await store.audit.add(waiting(3))
    assert await other.step(more=True) == ROUND_SECONDS
    assert len(await store.audit.pending(limit=9)) == 1, "it has not got the lease"
    await one.close()
    await store.audit.add(waiting(4))
    await other.step(more=True)
    found = await store.audit.read(after=0, limit=EVERYTHING)
    assert found == chained(waiting(1, 2, 3, 4), None)


async def test_two_at_once_harm_nothing(store: SqliteStore, timer: Timer) -> None:
    sealers = [made(store, timer, None, "the same") for _ in range(3)]

    async def seal(one: Sealing) -> None:
        for _ in range(60):
            await one.step(more=True)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for one in sealers:
            group.create_task(seal(one))
        for number in range(40):
            await store.audit.add(waiting(number))
    await sealers[0].step(more=True)
    await sealers[0].step(more=True)
    found = await store.audit.read(after=0, limit=EVERYTHING)
    assert found == chained(waiting(*range(40)), None)


async def test_another_sealer_that_goes_on_meanwhile_is_no_alarm(
    store: SqliteStore, timer: Timer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = made(store, timer, None, "the same"), made(store, timer, None, "the same")
    await store.audit.add(waiting(1))
    await one.step(more=True)
    await store.audit.add(waiting(2))
    last = store.audit.last

    async def last_before_the_other_went_on() -> Sealed | None:
        found = await last()
        monkeypatch.undo()
        await one.close()
        return found

    monkeypatch.setattr(store.audit, "last", last_before_the_other_went_on)
    with capture_logs() as logged:
        await other.step(more=True)
    assert [entry["event"] for entry in logged if entry["log_level"] != "info"] == []
    found = await store.audit.read(after=0, limit=EVERYTHING)
    assert found == chained(waiting(1, 2), None)


async def test_heads_are_signed_at_once_then_each_interval_if_there_is_news(
    store: SqliteStore, sealing: Sealing, timer: Timer, heads_file: Path
) -> None:
    await sealing.step(more=True)
    assert outside(heads_file) == [], "there is nothing to sign"
    for number in range(1, 4):
        await store.audit.add(waiting(number))
        await sealing.step(more=True)
    assert [head.seq for head in outside(heads_file)] == [1]
    timer.now += 60
    await sealing.step(more=True)
    timer.now += 600
    await sealing.step(more=True)
    assert [head.seq for head in outside(heads_file)] == [1, 3]
    first, last = outside(heads_file)
    chain = await store.audit.read(after=0, limit=9)
    assert (first.digest, last.digest) == (chain[0].digest.hex(), chain[2].digest.hex())
    assert first.key == KEY.public
    assert await store.audit.heads(after=0, limit=9) == [
        KeptHead(seq=head.seq, head=head.encode()) for head in (first, last)
    ]


async def test_the_end_seals_and_signs_what_there_is(
    store: SqliteStore, timer: Timer, heads_file: Path
) -> None:
    routine = Routine(made(store, timer, heads_file))
    task = asyncio.create_task(routine.run())
    await store.audit.add(waiting(1))
    await until(heads_file.exists)
    await store.audit.add(waiting(*range(2, BATCH + 100)))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert outside(heads_file)[-1].seq == BATCH + 99
    assert await store.acquire("audit-sealing", "another", seconds=1), "the lease is given up"


async def test_a_head_is_signed_once_whoever_signs_next(
    store: SqliteStore, sealing: Sealing, timer: Timer, heads_file: Path
) -> None:
    await store.audit.add(waiting(1))
    await sealing.close()
    await made(store, timer, heads_file, "other").step(more=True)
    assert [head.seq for head in outside(heads_file)] == [1]


async def test_what_nobody_signed_is_signed_by_the_next(
    store: SqliteStore, sealing: Sealing, heads_file: Path
) -> None:
    assert await store.audit.seal(chained(waiting(1, 2), None))
    await sealing.step(more=True)
    assert [head.seq for head in outside(heads_file)] == [2]


async def test_without_a_key_records_are_sealed_and_no_head_is_signed(
    store: SqliteStore, timer: Timer, heads_file: Path
) -> None:
    sealing = made(store, timer, heads_file, key=None)
    await store.audit.add(waiting(1))
    await sealing.step(more=True)
    await sealing.close()
    assert len(await store.audit.read(after=0, limit=9)) == 1
    assert outside(heads_file) == []


async def test_a_line_that_was_cut_off_spoils_no_other(
    store: SqliteStore, sealing: Sealing, heads_file: Path
) -> None:
    cut_off(heads_file)
    await store.audit.add(waiting(1))
    await sealing.step(more=True)
    cut, line = lines(heads_file)
    assert read_head(cut) is None
    head = read_head(line)
    assert head is not None
    assert head.is_signed


async def test_heads_are_in_the_log_and_a_file_that_fails_holds_nothing_up(
    store: SqliteStore, timer: Timer, tmp_path: Path
) -> None:
    capture = LogCapture()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[capture])
    try:
        await store.audit.add(waiting(1))
        await made(store, timer, tmp_path / "no" / "folder").step(more=True)
    finally:
        structlog.configure(processors=before)
    head, complaint = capture.entries
    assert head["event"] == "audit head"
    line = json.dumps({**head, "level": "info"}).encode()
    read = read_head(line)
    assert read is not None
    assert read.is_signed
    assert read.seq == 1
    assert complaint["log_level"] == "warning"
    assert len(await store.audit.heads(after=0, limit=9)) == 1


async def test_a_log_that_was_cut_is_an_alarm(
    store: SqliteStore, timer: Timer, heads_file: Path
) -> None:
    assert await store.audit.seal(chained(waiting(1, 2), None))
    await store.audit.sign(KeptHead(seq=7, head=b"a head of what is gone"))
    metrics = Metrics()
    capture = LogCapture()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[capture])
    try:
        await made(store, timer, heads_file, metrics=metrics).step(more=True)
    finally:
        structlog.configure(processors=before)
    alarm = capture.entries[0]
    assert (alarm["log_level"], alarm["seq"], alarm["of"]) == ("error", 7, 2)
    assert is_alarmed(metrics)


async def test_a_log_that_is_cut_behind_a_sealer_is_an_alarm(tmp_path: Path, timer: Timer) -> None:
    """Heads and all, so that nothing in the store says that there was more."""
    store = SqliteStore(str(tmp_path / "store.db"))
    await store.open()
    await store.migrate()
    metrics = Metrics()
    sealing = made(store, timer, None, metrics=metrics)
    await store.audit.add(waiting(1, 2, 3))
    await sealing.step(more=True)
    assert not is_alarmed(metrics)
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        connection.execute("DROP TRIGGER audit_chain_kept")
        connection.execute("DROP TRIGGER audit_heads_kept")
        connection.execute("DELETE FROM audit_chain WHERE seq > 1")
        connection.execute("DELETE FROM audit_heads")
        connection.commit()
    await store.audit.add(waiting(4))
    capture = LogCapture()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[capture])
    try:
        for _ in range(2):
            await sealing.step(more=True)
    finally:
        structlog.configure(processors=before)
    alarm = capture.entries[0]
    assert (alarm["log_level"], alarm["seq"], alarm["of"]) == ("error", 3, 1)
    assert is_alarmed(metrics)
    assert [one.seq for one in await store.audit.read(after=0, limit=9)] == [1, 2]
    await store.close()


def test_a_signature_is_of_every_member() -> None:
    chain = chained(waiting(1, 2, 3), None)
    head = KEY.sign(chain[-1], NOON)
    assert head.is_signed
    other = HeadKey.derived_from(b"another")
    for changes in (
        {"seq": 2},
        {"digest": chain[1].digest.hex()},
        {"at": "2026-01-31T12:00:00.001Z"},
        {"key": other.public},
        {"key": "no key"},
        {"v": 2},
        {"signature": other.sign(chain[-1], NOON).signature},
        {"signature": "?"},
    ):
        assert not replace(head, **changes).is_signed
    assert read_head(head.encode()) == head


def test_a_head_is_written_like_this_for_ever() -> None:
    head = KEY.sign(chained(waiting(1), None)[0], NOON)
    assert head.encode() == GOLDEN
