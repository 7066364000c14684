"""Pods look for anomalies together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.servers.redis_parts import connected, fresh_keys
from tests.servers.redis_server import RedisServer
from tests.unit.anomalies.examples import EVE, EXAMPLES, blocked, opened
from tests.unit.anomalies.parts import Guard
from tests.waiting import until
from whatchat.adapters.embedded.tally import InProcessTally
from whatchat.adapters.redis.tally import RedisTally
from whatchat.anomalies.rules import RULES
from whatchat.domain.audit import SERVER
from whatchat.observability.metrics import Metrics

REUSED = EXAMPLES["refresh_tokens_reused"]


@pytest.fixture
async def guards(server: RedisServer) -> AsyncIterator[tuple[Guard, Guard]]:
    """Two pods' watches over one Redis, by all the rules."""
    keys, metrics = fresh_keys(), Metrics()
    async with AsyncExitStack() as connections:
        servers = [
            await connections.enter_async_context(connected(server.url, metrics)) for _ in range(2)
        ]
        one, two = (
            Guard(RULES, tally=RedisTally(each, keys, InProcessTally(), metrics))
            for each in servers
        )
        yield one, two


async def test_two_pods_count_together_and_one_acts(guards: tuple[Guard, Guard]) -> None:
    one, two = guards
    for number in range(4):
        await guards[number % 2].see(REUSED(number))
    assert one.door.put_out == two.door.put_out == []
    await asyncio.gather(*(guard.see(REUSED(4)) for guard in guards))
    assert one.door.put_out + two.door.put_out == [(EVE, SERVER)]
    found = one.found + two.found
    assert sorted(found) == ["refresh_token_reused", "refresh_tokens_reused"]


async def test_however_many_come_at_once_one_acts_once(guards: tuple[Guard, Guard]) -> None:
    await asyncio.gather(
        *(guard.watch.look([REUSED(number) for number in range(32)]) for guard in guards)
    )
    assert [len(guard.door.put_out) for guard in guards] in ([0, 1], [1, 0])


async def test_different_people_are_told_apart_on_all_pods(guards: tuple[Guard, Guard]) -> None:
    one, two = guards
    await one.see(*(opened(number) for number in range(10)))
    for guard in guards:
        await guard.see(*(blocked(number) for number in range(9)))
    assert one.found == two.found == []
    await two.see(blocked(9))
    assert two.found == ["unwelcome"]
    assert [owner for owner, _, _ in two.brake.slowed] == [f"user:{EVE}"]


async def test_without_redis_each_pod_counts_alone(
    guards: tuple[Guard, Guard], server: RedisServer
) -> None:
    one, two = guards
    await one.see(*(REUSED(number) for number in range(3)))
    server.kill()
    await one.see(*(REUSED(number) for number in range(4)))
    assert one.door.put_out == two.door.put_out == []
    await one.see(REUSED(4))
    assert one.door.put_out == [(EVE, SERVER)]
    assert two.door.put_out == []
    await one.see(*(REUSED(number) for number in range(9)))
    assert len(one.door.put_out) == 1
    server.start()


async def test_what_is_counted_ends_by_itself_and_holds_no_content(
    guards: tuple[Guard, Guard], server: RedisServer
) -> None:
    for example in EXAMPLES.values():
        await guards[0].see(example(1))
    names = server.command("KEYS", "*")
    assert len(names) >= len(EXAMPLES)
    longest = max(rule.seconds for rule in RULES)
    assert all(0 < server.command("PTTL", name) <= longest * 1000 for name in names)


async def test_two_whole_watches_share_the_work(guards: tuple[Guard, Guard]) -> None:
    tasks = [asyncio.create_task(guard.watch.run()) for guard in guards]
    for number in range(1_000):
        guards[number % 2].watch.notice(REUSED(number))
    await until(lambda: all(guard.watch._waiting.empty() for guard in guards))
    await until(lambda: sum(len(guard.door.put_out) for guard in guards) == 1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(len(guard.door.put_out) for guard in guards) == 1
