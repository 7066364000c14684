"""Readers of events get all of them, or are told what they missed."""

import asyncio

import pytest

from whatchat.client.events import EventsMissed, TypingStarted
from whatchat.client.stream import HELD_EVENTS, EventStream
from whatchat.domain.contract import Event
from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import RoomId, UserId


def event(number: int) -> Event:
    return TypingStarted(room_id=RoomId(str(number)), user_id=UserId("u"))


async def test_events_come_in_order_until_the_end() -> None:
    stream = EventStream()
    reading = asyncio.create_task(_read(stream))
    for number in range(5):
        stream.put(event(number))
        await asyncio.sleep(0)
    stream.end()
    assert await reading == [event(number) for number in range(5)]


async def test_a_slow_reader_loses_the_oldest_and_is_told_how_many() -> None:
    stream = EventStream()
    for number in range(HELD_EVENTS + 3):
        stream.put(event(number))
    stream.end()
    missed, first, *rest = await _read(stream)
    assert missed == EventsMissed(count=3)
    assert first == event(3)
    assert len(rest) == HELD_EVENTS - 1


async def test_an_error_is_raised_after_what_waits() -> None:
    stream = EventStream()
    stream.put(event(1))
    stream.end(Unauthenticated())
    assert await anext(stream) == event(1)
    with pytest.raises(Unauthenticated):
        await anext(stream)


async def _read(stream: EventStream) -> list[Event]:
    return [event async for event in stream]
