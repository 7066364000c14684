"""Limiters and tallies of every kind against plain models of what they promise."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.servers.redis_cluster import RedisCluster
from tests.servers.redis_parts import connected, fresh_keys
from tests.servers.redis_server import RedisServer
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.adapters.embedded.tally import InProcessTally
from whatchat.adapters.redis.limiter import RedisLimiter
from whatchat.adapters.redis.tally import RedisTally
from whatchat.domain.ports.limiter import Charge, Limiter, Quota
from whatchat.domain.ports.tally import Tally
from whatchat.observability.metrics import Metrics

pytestmark = [pytest.mark.timeout(3_600), pytest.mark.no_cover]

T = TypeVar("T")
STEPS = 25


class Clock:
    """A clock that a test moves, in milliseconds."""

    def __init__(self, seconds: int = 1_700_000_000) -> None:
        self.millis = seconds * 1_000

    def __call__(self) -> float:
        return self.millis / 1_000


class NeverLimiter:
    """A limiter that must not be asked."""

    async def charge(self, charges: Sequence[Charge]) -> int:
        raise AssertionError("Redis was not asked")

    async def slow_down(self, owner: str, *, factor: int, seconds: int) -> None:
        """Remembered for the day when Redis is away."""

    async def forgive(self, owner: str) -> None:
        """The same."""

    async def factor_of(self, owner: str) -> int:
        raise AssertionError("Redis was not asked")


class NeverTally:
    """A tally that must not be asked."""

    async def add(
        self, key: str, *, seconds: int, most: int, member: str | None = None, times: int = 1
    ) -> int:
        raise AssertionError("Redis was not asked")

    async def count(self, key: str, *, seconds: int, member: str | None = None) -> int:
        raise AssertionError("Redis was not asked")


QUOTAS = {
    "a": Quota(rate=1 / 800, burst=4),
    "b": Quota(rate=1 / 800, burst=4),
    "c": Quota(rate=1 / 512, burst=1),
    "d": Quota(rate=1 / 300, burst=30),
}
"""Filled so slowly that Redis, which forgets by a clock of its own, does not while a test runs."""

FOREVER = 1_000_000_000
MONOTONIC = 1_000_000
"""What such a clock may say, in seconds."""


class Purse:
    """What is left of each quota: so many units, filled as time goes by."""

    def __init__(self) -> None:
        self.left: dict[tuple[str, str], tuple[Fraction, int]] = {}
        self.factors: dict[str, int] = {}

    def charge(self, charges: Sequence[Charge], millis: int) -> Fraction:
        """How many milliseconds there are to wait; if none, all is taken."""
        waits, after = [Fraction(0)], {}
        for one in charges:
            left, cost = self._left(one, millis), Fraction(one.cost)
            units = (cost or 1) * self.factors.get(one.owner, 1)
            units = max(min(units, one.quota.burst), -one.quota.burst)
            if cost >= 0:
                waits.append((units - left) * 1_000 / Fraction(one.quota.rate))
            if cost:
                after[one.owner, one.key] = min(left - units, Fraction(one.quota.burst)), millis
        if max(waits) <= 0:
            self.left |= after
        return max(waits)

    def _left(self, one: Charge, millis: int) -> Fraction:
        burst = Fraction(one.quota.burst)
        left, at = self.left.get((one.owner, one.key), (burst, millis))
        return min(burst, left + (millis - at) * Fraction(one.quota.rate) / 1_000)


@dataclass
class LimiterLane:
    """A limiter, its clock and what is to come of it."""

    limiter: Limiter
    clock: Clock
    flush: Callable[[], None] | None
    purse: Purse = field(default_factory=Purse)


class LimiterMachine(RuleBasedStateMachine):
    def __init__(self, runner: asyncio.Runner, open_lanes: "OpenLimiters") -> None:
        super().__init__()
        self.runner = runner
        self.lanes = open_lanes()

    def run(self, work: Coroutine[None, None, T]) -> T:
        return self.runner.run(work)

    @rule(
        names=st.lists(
            st.tuples(st.sampled_from("abcd"), st.sampled_from(("", "user:ada", "user:bob"))),
            min_size=1,
            max_size=4,
            unique=True,
        ),
        costs=st.lists(
            st.sampled_from((1, 1, 1, 0.25, 0.3, 2, 3, 0, 4, 30, 1_000, -1, -0.5, -2, -1_000)),
            min_size=4,
            max_size=4,
        ),
        waits=st.booleans(),
    )
    def charge(self, names: Sequence[tuple[str, str]], costs: Sequence[float], waits: bool) -> None:
        charges = [
            Charge(key=key, quota=QUOTAS[key], cost=cost, owner=owner)
            for (key, owner), cost in zip(names, costs, strict=False)
        ]
        for lane in self.lanes:
            wait = self._charge(lane, charges)
            if wait and waits:
                self._wait(lane, charges, wait)

    def _wait(self, lane: LimiterLane, charges: Sequence[Charge], wait: int) -> None:
        """As told; a little less is not enough."""
        lane.clock.millis += wait - 1
        assert self._charge(lane, charges) == 1
        lane.clock.millis += 1
        assert self._charge(lane, charges) == 0

    def _charge(self, lane: LimiterLane, charges: Sequence[Charge]) -> int:
        got = self.run(lane.limiter.charge(charges))
        exact = lane.purse.charge(charges, lane.clock.millis)
        # Clocks are doubles: a microsecond more or less is the same.
        about = Fraction(1, 500)
        assert ceil(max(exact - about, Fraction(0))) <= got <= ceil(max(exact, Fraction(0)) + about)
        assert (got > 0) == (exact > 0)
        return got

    @rule(millis=st.sampled_from((1, 250, 1_000, 200_000, 799_999, 800_000, 10_000_000)))
    def go_on(self, millis: int) -> None:
        for lane in self.lanes:
            lane.clock.millis += millis

    @rule(owner=st.sampled_from(("user:ada", "user:bob")), factor=st.integers(1, 5))
    def slow_down(self, owner: str, factor: int) -> None:
        for lane in self.lanes:
            self.run(lane.limiter.slow_down(owner, factor=factor, seconds=FOREVER))
            lane.purse.factors[owner] = factor
            assert self.run(lane.limiter.factor_of(owner)) == factor

    @rule(owner=st.sampled_from(("user:ada", "user:bob")))
    def forgive(self, owner: str) -> None:
        for lane in self.lanes:
            self.run(lane.limiter.forgive(owner))
            lane.purse.factors.pop(owner, None)
            assert self.run(lane.limiter.factor_of(owner)) == 1

    @rule(number=st.integers(0, 2))
    def lose_what_redis_has(self, number: int) -> None:
        lane = self.lanes[number]
        if lane.flush is not None:
            lane.flush()
            lane.purse = Purse()


WINDOWS = {"a": 60, "b": 60, "long": 600}


class Counted(NamedTuple):
    at: int
    member: object


@dataclass
class TallyLane:
    tally: Tally
    flush: Callable[[], None] | None
    kept: dict[str, list[Counted]] = field(default_factory=lambda: defaultdict(list))


class TallyMachine(RuleBasedStateMachine):
    def __init__(self, runner: asyncio.Runner, open_lanes: "OpenTallies") -> None:
        super().__init__()
        self.runner = runner
        self.clock = Clock()
        self.lanes = open_lanes(self.clock)

    @rule(
        key=st.sampled_from(("a", "b", "long")),
        most=st.sampled_from((1, 3, 5, 100)),
        member=st.sampled_from((None, None, "", "x", "y", "z")),
        times=st.sampled_from((1, 1, 1, 2, 4, 1_000)),
    )
    def add(self, key: str, most: int, member: str | None, times: int) -> None:
        seconds = WINDOWS[key]
        self.clock.millis += 1  # of what comes at the same moment, any may be forgotten first
        for lane in self.lanes:
            kept = lane.kept[key]
            if member is not None:
                kept[:] = [one for one in kept if one.member != member]
            news = [object()] * min(times, most) if member is None else [member]
            kept += [Counted(self.clock.millis, one) for one in news]
            kept[:] = self._within(kept, seconds)[-most:]
            work = lane.tally.add(key, seconds=seconds, most=most, member=member, times=times)
            assert self.runner.run(work) == len(kept)

    @rule(key=st.sampled_from(("a", "b", "long", "c")), part=st.sampled_from((1.0, 0.5, 0.98)))
    def count(self, key: str, part: float) -> None:
        seconds = int(WINDOWS.get(key, 60) * part)
        for lane in self.lanes:
            found = self.runner.run(lane.tally.count(key, seconds=seconds))
            assert found == len(self._within(lane.kept[key], seconds))

    def _within(self, kept: Sequence[Counted], seconds: int) -> list[Counted]:
        return [one for one in kept if one.at > self.clock.millis - seconds * 1_000]

    @rule(millis=st.sampled_from((1, 999, 1_000, 30_000, 59_999, 60_000, 700_000)))
    def go_on(self, millis: int) -> None:
        self.clock.millis += millis

    @rule(number=st.integers(0, 2))
    def lose_what_redis_has(self, number: int) -> None:
        lane = self.lanes[number]
        if lane.flush is not None:
            lane.flush()
            lane.kept.clear()


OpenLimiters = Callable[[], list[LimiterLane]]
OpenTallies = Callable[[Clock], list[TallyLane]]


def play(machine: Callable[[], RuleBasedStateMachine]) -> None:
    profile = settings.default or settings()
    run_state_machine_as_test(
        machine,  # type: ignore[arg-type] # whatever makes one will do
        settings=settings(
            max_examples=profile.max_examples // 2,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def redises(
    redis_server: RedisServer, tmp_path: Path
) -> Iterator[list[tuple[str, Callable[[], None]]]]:
    """The URLs of a server and of a cluster, and what empties them."""
    cluster = RedisCluster(tmp_path)
    cluster.start()

    def flush_cluster() -> None:
        for server in cluster.servers:
            server.command("FLUSHALL")

    def flush_server() -> None:
        redis_server.command("FLUSHALL")

    yield [(redis_server.url, flush_server), (cluster.url, flush_cluster)]
    cluster.stop()


def test_no_limiter_allows_more_or_less_than_it_promises(
    redises: list[tuple[str, Callable[[], None]]],
) -> None:
    with asyncio.Runner() as runner:
        closing, metrics = AsyncExitStack(), Metrics()
        found: list[tuple[Any, Callable[[], None]]] = [
            (runner.run(closing.enter_async_context(connected(url))), flush)
            for url, flush in redises
        ]

        def lanes() -> list[LimiterLane]:
            clock = Clock(MONOTONIC)
            made = [LimiterLane(EmbeddedLimiter(clock), clock, None)]
            for servers, flush in found:
                clock = Clock()
                limiter = RedisLimiter(servers, fresh_keys(), NeverLimiter(), metrics, clock=clock)
                made.append(LimiterLane(limiter, clock, flush))
            return made

        play(lambda: LimiterMachine(runner, lanes))
        runner.run(closing.aclose())


def test_every_tally_counts_what_there_was(
    redises: list[tuple[str, Callable[[], None]]],
) -> None:
    with asyncio.Runner() as runner:
        closing, metrics = AsyncExitStack(), Metrics()
        found: list[tuple[Any, Callable[[], None]]] = [
            (runner.run(closing.enter_async_context(connected(url))), flush)
            for url, flush in redises
        ]

        def lanes(clock: Clock) -> list[TallyLane]:
            made = [TallyLane(InProcessTally(clock), None)]
            for servers, flush in found:
                tally = RedisTally(servers, fresh_keys(), NeverTally(), metrics, clock=clock)
                made.append(TallyLane(tally, flush))
            return made

        play(lambda: TallyMachine(runner, lanes))
        runner.run(closing.aclose())
