"""What a connection may take before its request is there."""

import asyncio
import json

import pytest
from structlog.testing import capture_logs

from whatchat.realtime.arrivals import (
    FULL,
    HEAD_TOO_LARGE,
    NOT_HTTP,
    TOO_LATE,
    Answer,
    Arrivals,
    head_size,
)

SECONDS = 0.05


class Caller:
    """Notes when it was told that it is late."""

    def __init__(self) -> None:
        self.told: list[float] = []

    def late(self) -> None:
        self.told.append(asyncio.get_running_loop().time())


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_what_does_not_arrive_in_time_is_told_so_once() -> None:
    arrivals, caller, start = Arrivals(1, seconds=SECONDS), Caller(), now()
    arrivals.begin(caller)
    await asyncio.sleep(3 * SECONDS)
    (told,) = caller.told
    assert told - start >= SECONDS * 0.95
    assert caller not in arrivals


async def test_what_arrives_in_time_is_told_nothing() -> None:
    arrivals, caller = Arrivals(1, seconds=SECONDS), Caller()
    arrivals.begin(caller)
    assert caller in arrivals
    assert arrivals.end(caller)
    assert not arrivals.end(caller)
    await asyncio.sleep(2 * SECONDS)
    assert caller.told == []


async def test_beginning_again_gains_no_time_but_the_next_part_has_its_own() -> None:
    long = 10 * SECONDS
    arrivals, dripping, moving, start = Arrivals(1, seconds=long), Caller(), Caller(), now()
    arrivals.begin(dripping)
    arrivals.begin(moving)
    await asyncio.sleep(long / 2)
    arrivals.begin(dripping)
    arrivals.restart(moving)
    await asyncio.sleep(2 * long)
    assert dripping.told[0] - start < 1.45 * long
    assert moving.told[0] - start >= 1.45 * long


async def test_many_are_told_each_in_its_turn_behind_one_timer() -> None:
    arrivals, callers = Arrivals(1, seconds=SECONDS), [Caller() for _ in range(1_000)]
    for caller in callers:
        arrivals.begin(caller)
    for caller in callers[::2]:
        arrivals.end(caller)
    await asyncio.sleep(2 * SECONDS)
    assert [len(caller.told) for caller in callers] == [0, 1] * 500


async def test_one_that_may_stay_begins_anew() -> None:
    arrivals = Arrivals(1, seconds=SECONDS)

    class Patient(Caller):
        def late(self) -> None:
            super().late()
            arrivals.begin(self)

    caller = Patient()
    arrivals.begin(caller)
    await asyncio.sleep(3.5 * SECONDS)
    assert len(caller.told) >= 2
    arrivals.end(caller)


async def test_connections_above_the_cap_are_too_many_and_the_log_says_so_once() -> None:
    arrivals = Arrivals(2)
    with capture_logs() as lines:
        assert [arrivals.is_full(count) for count in (1, 2, 3, 2, 3)] == [
            False,
            False,
            True,
            False,
            True,
        ]
    assert [line["event"] for line in lines] == ["no room for more connections"]


class Rester:
    """Notes whether it was asked to make room."""

    def __init__(self) -> None:
        self.gone = False

    def make_room(self) -> None:
        self.gone = True


async def test_whoever_rests_makes_room_and_nobody_is_turned_away() -> None:
    arrivals, first, second = Arrivals(2), Rester(), Rester()
    for rester in (first, second):
        arrivals.rest(rester)
    arrivals.wake(first)
    assert not arrivals.is_full(2)
    assert not second.gone
    assert not arrivals.is_full(3)
    assert second.gone
    assert arrivals.is_full(3)
    assert not first.gone


def test_a_head_is_its_url_and_its_headers() -> None:
    assert head_size(b"/path", [(b"host", b"x"), (b"cookie", b"1234")]) == 5 + 5 + 10


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (NOT_HTTP, b"400 Bad Request", "invalid"),
        (TOO_LATE, b"408 Request Timeout", "unavailable"),
        (HEAD_TOO_LARGE, b"431 Request Header Fields Too Large", "too_large"),
        (FULL, b"503 Service Unavailable", "unavailable"),
    ],
)
def test_answers_are_whole_and_in_the_contracts_shape(
    answer: Answer, status: bytes, code: str
) -> None:
    head, body = answer.wire.split(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    assert line == b"HTTP/1.1 " + status
    assert answer.status == int(status[:3])
    assert b"content-length: %d" % len(body) in headers
    assert b"connection: close" in headers
    assert json.loads(body)["error"]["code"] == code
