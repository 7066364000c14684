"""The curves: each takes fresh servers and yields one point after the other."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from statistics import median
from typing import Final

from loadtests.bench.durable.client import ContractClient, ReadingClient
from loadtests.bench.durable.crowd import Crowd, settle
from loadtests.bench.durable.parts import Parts
from loadtests.bench.growth.client import LastClient
from loadtests.bench.growth.meters import Found
from loadtests.bench.growth.place import Place
from loadtests.bench.growth.plan import (
    CONNECTIONS,
    FANOUT_DELIVERIES,
    FANOUT_PEOPLE,
    FANOUT_RATE,
    PODS_PEOPLE,
    PODS_RATE,
    RATE_PEOPLE,
    RATES,
    RECEIPTS_RATE,
    Plan,
    Work,
)
from loadtests.bench.growth.samples import Measure, Series
from loadtests.bench.growth.stage import Stage, staged
from loadtests.bench.growth.syncing import syncs
from loadtests.bench.process import ALL_CORES, SERVER_CORE

WARM_SECONDS: Final = 2.0
EMPTY_SECONDS: Final = 8.0
SATURATED_P99_MS: Final = 500.0
MEMBERS: Final = 4
"""Of each room that is spread over the pods: one on each of four."""

READ_ROOM: Final = 10
RECEIPTS_SECONDS: Final = 10.0
LEAST_MESSAGES: Final = 5


def connections(parts: Parts, plan: Plan) -> Iterator[Place]:
    """One pod that ever more people sign in to, who then say nothing."""
    sizes = plan.sizes(CONNECTIONS)
    crowd = Crowd("idle", sizes[-1], min(READ_ROOM, sizes[-1]))
    settle(parts.store_url, crowd)
    people = crowd.people()
    with staged(parts, SERVER_CORE, client=ContractClient) as stage:
        stage.load.idle(min(WARM_SECONDS, plan.rest))
        start = stage.meters.pod_bytes()
        yield Place(Series.REST, 0, stage.rest(min(EMPTY_SECONDS, plan.rest)))
        before = 0
        for size in sizes:
            computed = stage.meters.pod_seconds()
            stage.load.connect(people[before:size])
            computed = stage.meters.pod_seconds() - computed
            stage.load.idle(min(WARM_SECONDS, plan.rest))
            found = stage.rest(plan.rest)
            found[Measure.CONNECT_CPU] = computed * 1e6 / (size - before)
            found[Measure.START_BYTES] = start
            yield Place(Series.REST, size, found)
            before = size


def rate(parts: Parts, plan: Plan) -> Iterator[Place]:
    """One pod that is told ever more, until not all of it is accepted and delivered in time."""
    (count,) = plan.sizes([RATE_PEOPLE], 4)
    crowd = Crowd("talker", count, 2)
    settle(parts.store_url, crowd)
    with staged(parts, SERVER_CORE, client=ContractClient) as stage:
        stage.load.connect(crowd.people())
        _warm(stage, plan, plan.rate(RATES[0]))
        for messages in plan.sizes(RATES):
            found = stage.talk(messages, plan.seconds)
            yield Place(Series.TALK, messages, found)
            if not _is_held(found):
                return


def pods(count: int, parts: Parts, plan: Plan) -> Iterator[Place]:
    """So many pods, over all of which each room is spread: the same people, the same rate."""
    (people,) = plan.sizes([PODS_PEOPLE], MEMBERS)
    crowd = Crowd("talker", people - people % MEMBERS, MEMBERS)
    settle(parts.store_url, crowd)
    with staged(parts, *ALL_CORES, pods=count, client=ContractClient) as stage:
        everybody = crowd.people()
        for index, pod in enumerate(stage.pods):
            stage.load.connect(everybody[index::count], port=pod.port)
        stage.load.idle(min(WARM_SECONDS, plan.seconds))
        yield Place(Series.REST, count, stage.rest(min(EMPTY_SECONDS, plan.rest)))
        _warm(stage, plan, plan.rate(PODS_RATE))
        found = stage.talk(plan.rate(PODS_RATE), plan.seconds, others=count - 1)
        yield Place(Series.TALK, count, found)


def fanout(size: int, parts: Parts, plan: Plan) -> Iterator[Place]:
    """Rooms of one size; the larger they are, the less is said, as the copies are what counts."""
    (usual,) = plan.sizes([FANOUT_PEOPLE], 2)
    crowd = Crowd("talker", max(usual - usual % size, size), size)
    settle(parts.store_url, crowd)
    messages = min(plan.rate(FANOUT_RATE), plan.rate(FANOUT_DELIVERIES) / (size - 1))
    seconds = max(plan.seconds, LEAST_MESSAGES / messages if plan.scale == 1 else 0)
    with staged(parts, SERVER_CORE, client=LastClient) as stage:
        stage.load.connect(crowd.people())
        _warm(stage, plan, max(messages, 1.0))
        LastClient.latest.clear()
        found = stage.talk(messages, seconds)
        last = [late / 1000 for late in LastClient.latest.values()]
        yield Place(
            Series.TALK,
            size,
            found | {Measure.LAST_P50: median(last), Measure.LAST_MOST: max(last)},
        )


def reading(parts: Parts, plan: Plan) -> Iterator[Place]:
    """Rooms of ten whose people acknowledge all they hear, as delivered and as read."""
    (usual,) = plan.sizes([FANOUT_PEOPLE], READ_ROOM)
    crowd = Crowd("reader", usual - usual % READ_ROOM, READ_ROOM)
    settle(parts.store_url, crowd)
    with staged(parts, SERVER_CORE, client=ReadingClient) as stage:
        stage.load.connect(crowd.people())
        ReadingClient.reads = True
        _warm(stage, plan, plan.rate(RECEIPTS_RATE))
        _settle_receipts(stage)
        ReadingClient.marked = ReadingClient.taken = ReadingClient.told = 0
        found = stage.talk(
            plan.rate(RECEIPTS_RATE), plan.seconds, after=lambda: _settle_receipts(stage)
        )
        ReadingClient.reads = False
        per_message = ReadingClient.taken / max(1, ReadingClient.marked) * 2 * (READ_ROOM - 1)
        found[Measure.RECEIPTS] = found[Measure.MESSAGES] * per_message
        yield Place(Series.READ, READ_ROOM, found)


def _settle_receipts(stage: Stage) -> None:
    """Wait until all that was marked is taken."""
    end = time.monotonic() + RECEIPTS_SECONDS
    while ReadingClient.taken < ReadingClient.marked and time.monotonic() < end:
        stage.load.idle(0.02)


def _warm(stage: Stage, plan: Plan, messages: float) -> None:
    stage.load.send(messages, min(WARM_SECONDS, plan.seconds))


def _is_held(found: Found) -> bool:
    complete = found[Measure.ACCEPTED] == found[Measure.DELIVERED] == 100
    late = max(found.get(Measure.ACK_P99, math.inf), found.get(Measure.DELIVERY_P99, math.inf))
    return complete and late < SATURATED_P99_MS


Part = Callable[[Parts, Plan], Iterator[Place]]


def parts_of(work: Work, plan: Plan) -> list[Part]:
    """What a curve is measured in: each part wants MongoDB and Redis fresh."""
    if work is Work.PODS:
        return [partial(pods, count) for count in plan.pods]
    if work is Work.FANOUT:
        sizes = plan.sizes(plan.room_sizes, 2)
        return [*(partial(fanout, size) for size in sizes), reading]
    return [_WHOLE[work]]


_WHOLE: Final[Mapping[Work, Part]] = {
    Work.CONNECTIONS: connections,
    Work.RATE: rate,
    Work.SYNC: syncs,
}
