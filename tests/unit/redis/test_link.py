"""One connection, against a server that says what the test wants."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from time import monotonic

import pytest
from hiredis import ReplyError

from tests.waiting import until
from whatchat.adapters.redis import link as link_module
from whatchat.adapters.redis.link import Link, open_link
from whatchat.adapters.redis.refusal import Refused
from whatchat.adapters.redis.request_times import RequestTimes
from whatchat.domain.errors import Unavailable
from whatchat.observability.metrics import Metrics

PATIENCE_SECONDS = 0.2


class Line:
    """What the server has received, and a way to answer."""

    def __init__(self) -> None:
        self.reads: list[bytes] = []
        self.pushes: list[list[object]] = []
        self.ended = False
        self.writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 20):
                self.reads.append(data)
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        self.ended = True

    def say(self, data: bytes) -> None:
        assert self.writer is not None
        self.writer.write(data)


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def link(line: Line, metrics: Metrics) -> AsyncIterator[Link]:
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    link = await open_link(
        *("127.0.0.1", port, None, RequestTimes(metrics), line.pushes.append),
        patience_seconds=PATIENCE_SECONDS,
    )
    await until(lambda: line.writer is not None)
    yield link
    link.close()
    await until(lambda: line.ended)
    server.close()
    await server.wait_closed()


async def test_one_turn_of_the_loop_is_one_write_and_replies_come_in_order(
    link: Link, line: Line
) -> None:
    asked = [asyncio.create_task(link.ask("ECHO", number)) for number in range(100)]
    await until(lambda: line.reads != [])
    assert len(line.reads) == 1
    assert line.reads[0].count(b"ECHO") == 100
    line.say(b"".join(b":%d\r\n" % number for number in range(100)))
    assert await asyncio.gather(*asked) == list(range(100))


async def test_replies_may_come_in_pieces(link: Link, line: Line) -> None:
    asked = asyncio.create_task(link.execute([("GET", "a"), ("GET", "b")]))
    for byte in b"$3\r\none\r\n*2\r\n:1\r\n#t\r\n":
        await asyncio.sleep(0)
        line.say(bytes([byte]))
    assert await asked == [b"one", [1, True]]


async def test_an_error_is_a_value_in_a_batch_and_raised_for_one(link: Link, line: Line) -> None:
    batch = asyncio.create_task(link.execute([("GET", "a"), ("GET", "b")]))
    one = asyncio.create_task(link.ask("GET", "a"))
    await until(lambda: line.reads != [])
    line.say(b"+OK\r\n-WRONGTYPE no\r\n-NOPERM never\r\n")
    ok, error = await batch
    assert (ok, str(error)) == (b"OK", "WRONGTYPE no")
    assert isinstance(error, ReplyError)
    with pytest.raises(Refused) as refusal:
        await one
    assert (refusal.value.kind, refusal.value.reply) == ("NOPERM", "NOPERM never")
    assert refusal.value.text == Unavailable.message


async def test_pushes_come_between_replies(link: Link, line: Line) -> None:
    asked = asyncio.create_task(link.ask("PING"))
    await until(lambda: line.reads != [])
    line.say(b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n+PONG\r\n>1\r\n$1\r\ny\r\n")
    assert await asked == b"PONG"
    assert line.pushes == [[b"message", b"c", b"x"], [b"y"]]


async def test_a_server_that_does_not_answer_is_given_up(link: Link) -> None:
    start = monotonic()
    first = asyncio.create_task(link.ask("PING"))
    await asyncio.sleep(PATIENCE_SECONDS / 2)
    second = asyncio.create_task(link.ask("PING"))
    results = await asyncio.gather(first, second, return_exceptions=True)
    assert all(isinstance(result, Unavailable) for result in results)
    assert PATIENCE_SECONDS <= monotonic() - start < PATIENCE_SECONDS * 3
    assert link.lost.done()
    with pytest.raises(Unavailable):
        await link.ask("PING")


async def test_a_loop_that_was_held_up_itself_blames_nobody(link: Link, line: Line) -> None:
    asked = asyncio.create_task(link.ask("PING"))
    await until(lambda: line.reads != [])
    line.say(b"+PONG\r\n")
    deadline = monotonic() + PATIENCE_SECONDS * 1.5
    while monotonic() < deadline:
        pass
    assert await asked == b"PONG"
    assert not link.lost.done()


async def test_an_answer_in_time_gives_the_next_command_its_full_time(
    link: Link, line: Line
) -> None:
    for _ in range(5):
        asked = asyncio.create_task(link.ask("PING"))
        await asyncio.sleep(PATIENCE_SECONDS * 0.6)
        line.say(b"+PONG\r\n")
        assert await asked == b"PONG"


async def test_a_lost_connection_fails_what_waits(link: Link, line: Line) -> None:
    asked = asyncio.create_task(link.ask("PING"))
    await until(lambda: line.reads != [])
    assert line.writer is not None
    line.writer.transport.abort()
    with pytest.raises(Unavailable):
        await asked
    assert link.lost.done()


@pytest.mark.parametrize("noise", [b"HTTP/1.1 400 Bad Request\r\n", b"+PONG\r\n", b"\x00\xff\r\n"])
async def test_what_nobody_asked_for_ends_the_link(link: Link, line: Line, noise: bytes) -> None:
    line.say(noise)
    await until(link.lost.done)


@pytest.mark.parametrize("word", ["READONLY", "LOADING", "MASTERDOWN"])
async def test_a_server_that_is_no_master_any_more_is_left(
    link: Link, line: Line, word: str
) -> None:
    asked = asyncio.create_task(link.ask("SET", "a", 1))
    await until(lambda: line.reads != [])
    line.say(f"-{word} sorry\r\n".encode())
    with pytest.raises(Refused):
        await asked
    assert link.lost.done()


async def test_what_waits_to_be_sent_is_bounded(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "MAX_UNSENT_BYTES", 10_000)
    waiting = [asyncio.create_task(link.ask("SET", "a", b"x" * 1_000)) for _ in range(100)]
    await asyncio.sleep(0)
    failed = [task for task in waiting if task.done()]
    assert 85 <= len(failed) <= 92
    assert not link.lost.done()
    link.close()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_caller_that_gives_up_disturbs_nobody(link: Link, line: Line) -> None:
    gone = asyncio.create_task(link.ask("GET", "a"))
    stays = asyncio.create_task(link.ask("GET", "b"))
    await until(lambda: line.reads != [])
    gone.cancel()
    line.say(b"$1\r\na\r\n$1\r\nb\r\n")
    assert await stays == b"b"


def told(metrics: Metrics, name: str) -> float:
    return metrics.registry.get_sample_value(f"whatchat_redis_{name}") or 0


async def test_what_waits_and_how_long_it_took_is_told(
    link: Link, line: Line, metrics: Metrics
) -> None:
    asked = asyncio.create_task(link.execute([("GET", "a"), ("GET", "b")]))
    await until(lambda: line.reads != [])
    await asyncio.sleep(0.03)
    assert told(metrics, "waiting") == 1
    line.say(b"$3\r\none\r\n$3\r\ntwo\r\n")
    await asked
    assert told(metrics, "waiting") == 0
    assert told(metrics, "seconds_count") == 1
    assert told(metrics, "seconds_sum") >= 0.03
    assert told(metrics, "failures_total") == 0


async def test_refusals_are_counted_but_for_those_that_lead_on(
    link: Link, line: Line, metrics: Metrics
) -> None:
    asked = asyncio.create_task(link.execute([("GET", "a"), ("EVALSHA", "b"), ("GET", "c")]))
    await until(lambda: line.reads != [])
    line.say(b"-WRONGTYPE no\r\n-NOSCRIPT no\r\n-MOVED 1 127.0.0.1:1\r\n")
    await asked
    assert told(metrics, "failures_total") == 1


async def test_what_gets_no_answer_is_counted(link: Link, metrics: Metrics) -> None:
    asked = [asyncio.create_task(link.ask("PING")) for _ in range(3)]
    await asyncio.gather(*asked, return_exceptions=True)
    assert told(metrics, "failures_total") == 3
    assert told(metrics, "waiting") == 0
    with pytest.raises(Unavailable):
        await link.ask("PING")
    assert told(metrics, "failures_total") == 4
