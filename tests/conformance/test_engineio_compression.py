"""Engine.IO v4: bodies of polling are compressed from 1 KiB on, for who accepts it."""

import gzip
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.conformance.app_process import AppProcess
from tests.conformance.clients import SEPARATOR, Polling, Server

THRESHOLD = 1_024  # in bytes


@pytest.fixture(scope="module")
def app() -> Iterator[AppProcess]:
    with AppProcess("engineio") as app:
        yield app


@pytest.fixture
async def session(app: AppProcess) -> AsyncIterator[Polling]:
    async with Server(app.port) as server:
        yield await server.polling()


@pytest.mark.parametrize("accepted", ["gzip", "gzip, deflate, br", "deflate;q=0.5, gzip;q=1"])
async def test_a_large_body_is_compressed_for_who_accepts_it(
    session: Polling, accepted: str
) -> None:
    text = "4" + "a" * (THRESHOLD - 1)
    await session.say(text)
    answer = await session.get({"Accept-Encoding": accepted})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Type"].lower() == "text/plain; charset=utf-8"
    assert len(answer.body) < THRESHOLD
    assert gzip.decompress(answer.body).decode() == text


async def test_the_whole_body_counts_for_compression(session: Polling) -> None:
    packets = ["4" + "é" * 60 for _ in range(10)]
    await session.say(*packets)
    answer = await session.get({"Accept-Encoding": "gzip"})
    assert gzip.decompress(answer.body).decode() == SEPARATOR.join(packets)


@pytest.mark.parametrize("accepted", [None, "", "br", "identity", "gzip;q=0", "gzip;q=0, br"])
async def test_it_is_not_compressed_for_who_does_not(
    session: Polling, accepted: str | None
) -> None:
    text = "4" + "a" * (2 * THRESHOLD)
    await session.say(text)
    answer = await session.get(None if accepted is None else {"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert answer.text == text


async def test_a_small_body_is_not_compressed(session: Polling) -> None:
    text = "4" + "a" * (THRESHOLD - 2)
    await session.say(text)
    answer = await session.get({"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert answer.text == text
