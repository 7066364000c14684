"""Subscriptions follow what is wanted, however the changes overlap."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.realtime.parts import NotedChannels
from whatchat.domain.errors import Unavailable
from whatchat.realtime.channels import Channels
from whatchat.realtime.tasks import Tasks


class SlowChannels(NotedChannels):
    """Takes a few turns of the loop for each call; calls must not overlap."""

    busy = False

    async def subscribe(self, keys: Sequence[str]) -> None:
        await self._take_time()
        await super().subscribe(keys)

    async def unsubscribe(self, keys: Sequence[str]) -> None:
        await self._take_time()
        await super().unsubscribe(keys)

    async def _take_time(self) -> None:
        assert not self.busy
        self.busy = True
        for _ in range(3):
            await asyncio.sleep(0)
        self.busy = False


STEP = st.tuples(st.sampled_from(["want", "drop", "settle"]), st.sampled_from("ab"), st.booleans())


@given(st.lists(STEP, max_size=30))
def test_what_is_in_force_at_last_is_what_is_wanted(steps: list[tuple[str, str, bool]]) -> None:
    async def play() -> None:
        broker, tasks = SlowChannels(), Tasks()
        channels = Channels(broker.subscribe, broker.unsubscribe, tasks)
        wanted: set[str] = set()
        for step, key, pausing in steps:
            if step == "want":
                wanted.add(key)
                channels.want(key)
            elif step == "drop":
                wanted.discard(key)
                channels.drop(key)
            else:
                tasks.spawn(channels.settle(), name="settle")
            if pausing:
                await asyncio.sleep(0)
        await channels.settle()
        for _ in range(30):
            await asyncio.sleep(0)
        assert broker.now == wanted
        assert all(channels.in_force(key) is (key in wanted) for key in "ab")
        await tasks.close()

    asyncio.run(play())


async def test_what_many_want_at_once_goes_out_together(tasks: Tasks) -> None:
    broker = SlowChannels()
    channels = Channels(broker.subscribe, broker.unsubscribe, tasks)

    async def connect(key: str) -> None:
        channels.want(key)
        await channels.settle()
        assert key in broker.now

    await asyncio.gather(*map(connect, "abcdef"))
    assert broker.calls[0][0] == "+"
    assert len(broker.calls) <= 2


async def test_a_subscription_that_failed_is_tried_again(tasks: Tasks) -> None:
    broker = NotedChannels()
    channels = Channels(broker.subscribe, broker.unsubscribe, tasks)
    channels.want("a")
    broker.down = True
    with pytest.raises(Unavailable):
        await channels.settle()
    assert not channels.in_force("a")
    broker.down = False
    await channels.settle()
    assert channels.in_force("a")


async def test_an_unsubscription_that_failed_is_tried_with_the_next(tasks: Tasks) -> None:
    broker = NotedChannels()
    channels = Channels(broker.subscribe, broker.unsubscribe, tasks)
    channels.want("a")
    channels.want("b")
    await channels.settle()
    broker.down = True
    channels.drop("a")
    await asyncio.sleep(0.01)
    assert broker.now == {"a", "b"}
    broker.down = False
    channels.drop("b")
    await asyncio.sleep(0.01)
    assert broker.now == set()
