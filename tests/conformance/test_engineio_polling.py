"""Engine.IO v4 over polling: payloads, overlapping and broken requests, limits, headers.

Where the protocol's text leaves a choice, the reference server's is taken. Stricter than it
on purpose: an invalid payload is answered with 400 rather than a broken connection, base64
and UTF-8 must be valid, and a body that says to be too large is refused before it is read.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.conformance.app_process import AppProcess
from tests.conformance.clients import (
    ARRIVAL_SECONDS,
    PATIENCE_SECONDS,
    Answer,
    Polling,
    Server,
)

MAX_PAYLOAD = 4_096


@pytest.fixture(scope="module")
def app() -> Iterator[AppProcess]:
    with AppProcess("engineio", max_payload=MAX_PAYLOAD) as app:
        yield app


@pytest.fixture
async def server(app: AppProcess) -> AsyncIterator[Server]:
    async with Server(app.port) as server:
        yield server


@pytest.fixture
async def session(server: Server) -> Polling:
    return await server.polling()


# Payloads.


@pytest.mark.parametrize(
    "payload",
    [
        "4hello",
        "4",
        "4€ and 😀",
        "4test1\x1e4test2\x1e4test3",
        "bAQIDBA==",
        "b",
        "4hello\x1ebAQIDBA==",
        "bAQIDBA==\x1e4b\x1eb/+8=\x1e4",
    ],
)
async def test_a_payload_comes_back_unchanged(session: Polling, payload: str) -> None:
    posted = await session.post(payload)
    assert (posted.status, posted.text) == (200, "ok")
    answer = await session.get()
    assert (answer.status, answer.text) == (200, payload)


async def test_a_waiting_get_is_answered_at_once(session: Polling) -> None:
    waiting = await session.waiting()
    await session.say("4hello")
    assert (await waiting).text == "4hello"


async def test_messages_keep_their_order_over_many_requests(session: Polling) -> None:
    sent = [f"4{number}" for number in range(200)]
    for at in range(0, 200, 20):
        await session.say(*sent[at : at + 20])
    assert await session.hear_all(200) == sent


async def test_what_is_between_two_gets_waits_for_the_second(session: Polling) -> None:
    await session.say("4one")
    assert await session.hear() == ["4one"]
    await session.say("4two")
    await session.say("4three")
    assert await session.hear_all(2) == ["4two", "4three"]


@pytest.mark.parametrize(
    "payload",
    ["abc", "", "7", "2", "2probe", "4one\x1e", "\x1e4one", "4one\x1e\x1e4two", "4one\x1eabc"],
)
async def test_an_invalid_payload_closes_the_session(session: Polling, payload: str) -> None:
    answer = await session.post(payload)
    assert answer.status == 400
    assert await session.is_over()


@pytest.mark.parametrize(
    "payload", [b"b!!!!", b"bAQID*A==", b"bAQIDB", b"4\xff\xfe", b"4\xed\xa0\x80"]
)
async def test_what_is_not_base64_or_utf8_closes_the_session(
    session: Polling, payload: bytes
) -> None:
    answer = await session.post(payload)
    assert answer.status == 400
    assert await session.is_over()


async def test_a_waiting_get_is_told_of_an_invalid_payload(session: Polling) -> None:
    waiting = await session.waiting()
    assert (await session.post("abc")).status == 400
    assert ((await waiting).status, (await waiting).text) == (200, "1")


# Requests at the same time, and requests that are given up.


async def test_a_second_get_closes_the_session(session: Polling) -> None:
    first = await session.waiting()
    second = await session.get()
    assert second.status == 400
    assert ((await first).status, (await first).text) == (200, "1")
    assert await session.is_over()


async def test_a_second_post_closes_the_session(session: Polling) -> None:
    body_goes_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"4one"
        await body_goes_on.wait()

    first = asyncio.create_task(session.post(slowly()))
    await asyncio.sleep(ARRIVAL_SECONDS)
    try:
        assert (await session.post("4two")).status == 400
        assert await session.is_over()
    finally:
        body_goes_on.set()
        (outcome,) = await asyncio.gather(first, return_exceptions=True)
    assert not isinstance(outcome, Answer) or outcome.status == 400


async def test_a_get_that_is_given_up_closes_the_session(session: Polling) -> None:
    await _give_up(await session.waiting())
    assert await session.is_over()


async def test_a_post_that_is_given_up_closes_the_session(session: Polling) -> None:
    async def endlessly() -> AsyncIterator[bytes]:
        yield b"4one"
        await asyncio.sleep(PATIENCE_SECONDS)

    request = asyncio.create_task(session.post(endlessly()))
    await asyncio.sleep(ARRIVAL_SECONDS)
    await _give_up(request)
    assert await session.is_over()


async def _give_up(request: asyncio.Task[Answer]) -> None:
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    await asyncio.sleep(ARRIVAL_SECONDS)


async def test_a_session_outlives_the_requests_of_others(server: Server, session: Polling) -> None:
    other = await server.polling()
    await _give_up(await other.waiting())
    await session.say("4hello")
    assert await session.hear() == ["4hello"]


# Methods.


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "TRACE"])
async def test_other_methods_change_nothing(server: Server, session: Polling, method: str) -> None:
    await session.say("4hello")
    answer = await server.ask(session.query, method)
    assert answer.status in {400, 405}
    assert await session.hear() == ["4hello"]


async def test_options_opens_no_session_and_takes_nothing(server: Server, session: Polling) -> None:
    await session.say("4hello")
    for query in ("EIO=4&transport=polling", session.query):
        answer = await server.ask(query, "OPTIONS")
        assert answer.status in {200, 204, 400, 405}
        assert b"sid" not in answer.body
        assert b"hello" not in answer.body
    assert await session.hear() == ["4hello"]


# Limits.


async def test_a_payload_of_the_largest_size_is_taken(session: Polling) -> None:
    largest = "4" + "a" * (MAX_PAYLOAD - 1)
    await session.say(largest)
    assert await session.hear() == [largest]


@pytest.mark.parametrize("text", ["a" * MAX_PAYLOAD, "é" * (MAX_PAYLOAD // 2)])
async def test_a_payload_beyond_it_is_too_large(session: Polling, text: str) -> None:
    """Bytes count, not characters."""
    assert (await session.post("4" + text)).status == 413


async def test_a_payload_beyond_it_in_chunks_is_too_large(session: Polling) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"4"
        for _ in range(MAX_PAYLOAD // 64):
            yield b"a" * 64

    assert (await session.post(chunks())).status == 413


async def test_a_body_that_says_to_be_too_large_is_refused_unread(
    app: AppProcess, session: Polling
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", app.port)
    try:
        request = f"POST /engine.io/?{session.query} HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999"
        writer.write(f"{request}\r\n\r\n".encode())
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


# Headers.


async def test_headers_of_both_kinds_of_answers(session: Polling) -> None:
    posted = await session.post("4hello")
    assert posted.headers["Content-Type"].partition(";")[0] in {"text/html", "text/plain"}
    got = await session.get()
    assert got.headers["Content-Type"].lower() == "text/plain; charset=utf-8"
    for answer in (posted, got):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Length"] == str(len(answer.body))


# Close.


async def test_a_close_packet_releases_the_waiting_get(session: Polling) -> None:
    waiting = await session.waiting()
    await session.say("1")
    assert ((await waiting).status, (await waiting).text) == (200, "6")
    assert await session.is_over()


async def test_a_close_packet_closes_while_nothing_waits(session: Polling) -> None:
    await session.say("1")
    assert await session.is_over()


async def test_nothing_counts_after_a_close_packet(session: Polling) -> None:
    waiting = await session.waiting()
    await session.say("1", "4too late")
    assert (await waiting).text == "6"
    assert await session.is_over()
