"""A session carried by requests: what waits for the next one, and what one may bring."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from tests.unit.realtime.network import Listener, engine_of, polled
from whatchat.realtime.engine import Engine
from whatchat.realtime.frame import plain_frame
from whatchat.realtime.link import DRAINING
from whatchat.realtime.polling import POLL_PACKETS, POST_PACKETS, SEPARATOR, Overlap, Polling
from whatchat.realtime.session import Session


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def engine(listener: Listener) -> AsyncIterator[Engine]:
    engine = engine_of(listener, outbox_bytes=10_000)
    yield engine
    engine.stop()


@pytest.fixture
async def session(engine: Engine) -> Session:
    return polled(engine)[0]


@pytest.fixture
def polling(session: Session) -> Polling:
    assert isinstance(session.carrier, Polling)
    return session.carrier


async def post(polling: Polling, body: bytes) -> None:
    async def read() -> bytes:
        return body

    await polling.post(read)


async def got(polling: Polling) -> list[str]:
    async with asyncio.timeout(1):
        return [frame.text for frame in await polling.get()]


def write(session: Session, *texts: str) -> None:
    for text in texts:
        session.write(plain_frame(text))


async def test_a_get_takes_a_few_at_a_time_in_order(session: Session, polling: Polling) -> None:
    texts = [f"4{number}" for number in range(POLL_PACKETS + 1)]
    write(session, *texts)
    assert await got(polling) == texts[:POLL_PACKETS]
    assert polling.buffered > 0
    assert await got(polling) == texts[POLL_PACKETS:]
    assert polling.buffered == 0


async def test_what_waits_for_a_get_is_bounded(
    session: Session, polling: Polling, listener: Listener
) -> None:
    packet = "4" + "x" * 999
    write(session, *[packet] * 9)
    assert (listener.ends, polling.buffered > 9_000) == ([], True)
    write(session, packet)
    assert listener.ends == ["server disconnect"]
    assert polling.buffered == 0


async def test_a_get_that_waits_is_given_the_close_behind_the_rest(
    session: Session, polling: Polling, listener: Listener
) -> None:
    getting = asyncio.create_task(got(polling))
    await asyncio.sleep(0)
    write(session, "4last")
    session.shut(DRAINING)
    write(session, "4late")
    assert await getting == ["4last", "1"]
    assert listener.ends == ["server disconnect"]


async def test_a_get_that_is_given_up_takes_nothing_along(
    session: Session, polling: Polling
) -> None:
    getting = asyncio.create_task(got(polling))
    await asyncio.sleep(0)
    getting.cancel()
    await asyncio.sleep(0)
    assert not polling.is_waiting
    write(session, "4kept")
    assert await got(polling) == ["4kept"]


async def test_a_post_waits_until_reading_goes_on(
    session: Session, polling: Polling, listener: Listener
) -> None:
    listener.pauses_at = 2
    posting = asyncio.create_task(post(polling, b"41\x1e42\x1e43\x1ebAAE="))
    await asyncio.sleep(0.01)
    assert (listener.heard, posting.done()) == (["1", "2"], False)
    session.resume()
    await asyncio.wait_for(posting, 1)
    assert listener.heard == ["1", "2", "3", b"\0\1"]


async def test_a_post_of_very_many_packets_gives_way_to_others(
    polling: Polling, listener: Listener
) -> None:
    posting = asyncio.create_task(post(polling, SEPARATOR.join(["4"] * 10 * POST_PACKETS).encode()))
    heard = [0]
    while not posting.done():
        await asyncio.sleep(0)
        heard.append(len(listener.heard))
    assert heard[-1] == 10 * POST_PACKETS
    assert max(later - earlier for earlier, later in pairwise(heard)) == POST_PACKETS


async def test_another_post_meanwhile_ends_both(polling: Polling, listener: Listener) -> None:
    listener.pauses_at = 2
    posting = asyncio.create_task(post(polling, b"41\x1e42\x1e43"))
    await asyncio.sleep(0.01)
    with pytest.raises(Overlap):
        await post(polling, b"4another")
    await asyncio.wait_for(posting, 1)
    assert listener.heard == ["1", "2"]
    assert listener.ends == ["server disconnect"]


async def test_nothing_counts_behind_a_packet_that_is_none(
    session: Session, polling: Polling, listener: Listener
) -> None:
    await post(polling, b"41\x1e7\x1e42")
    assert listener.heard == ["1"]
    assert session.closed


async def test_polling_costs_no_dictionary(polling: Polling) -> None:
    assert not hasattr(polling, "__dict__")
