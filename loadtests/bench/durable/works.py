"""The works: each takes fresh servers and returns what it measured."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from statistics import fmean
from typing import Final

from loadtests.bench.client import Client
from loadtests.bench.durable.client import ContractClient, ReadingClient
from loadtests.bench.durable.crowd import Crowd
from loadtests.bench.durable.parts import Parts
from loadtests.bench.durable.plan import ROOM_SIZES, Plan, Work
from loadtests.bench.durable.samples import Measure
from loadtests.bench.durable.stacks import Pod
from loadtests.bench.durable.watch import Watch
from loadtests.bench.highest import FIRST_RATE, HELD_P99_MS, TRIES, highest_held
from loadtests.bench.load import Heard, Load, percentile_ms
from loadtests.bench.process import ALL_CORES, SERVER_CORE, resident_bytes

Measured = Mapping[Measure, float]

WARM_SECONDS: Final = 3.0
BEHIND_SECONDS: Final = 1.0
SHARE_OF_SECONDS: Final = 0.4
"""For how long each rate is held while the highest is looked for."""

READERS_PART: Final = 4
"""So many times fewer messages are sent where everybody acknowledges each of them."""

LEAST_CPU_US: Final = 1.0
"""Processor time is told in ticks, and a few messages may cost none."""

TAKEN_SECONDS: Final = 20.0
"""For how long the last receipts' acks are waited for."""

SETTLE_SECONDS: Final = 0.5
"""Within which the last receipts have been told."""

TALKERS_PART: Final = 4
"""So many times fewer talk, on each of two pods, than are idle on the third."""

LEAST_PING_MS: Final = 100

IDLE_FACTOR: Final = 2.5
"""So many times more come and are idle than talk elsewhere."""

WARM_PART: Final = 10
"""One in so many comes before: what a server loads or compiles once is not counted."""

REST_SECONDS: Final = 5.0
"""After which those who came are at rest."""


def connect(work: Work, parts: Parts, plan: Plan) -> Measured:
    """Have everybody sign in, as fast as the pod takes them, and be idle."""
    count = round(plan.connections * IDLE_FACTOR)
    warm = max(1, count // WARM_PART)
    crowd = Crowd("comer", warm + count, ROOM_SIZES[work])
    parts.settle(crowd)
    pod, everybody = parts.pod(SERVER_CORE), crowd.people()
    with _load_on(pod) as load:
        load.connect(everybody[:warm])
        load.idle(min(REST_SECONDS, plan.seconds))
        memory, watch = resident_bytes(pod.pid), Watch(_pids(parts, pod))
        seconds = load.connect(everybody[warm:])
        used, shares = watch.seconds(Measure.POD_SHARE), watch.shares()
        load.idle(min(REST_SECONDS, plan.seconds))
        grown, stayed = resident_bytes(pod.pid) - memory, len(everybody) - load.tally.lost
    return {
        Measure.MEMORY_PER_CONNECTION: grown / 1024 / count,
        Measure.CPU_PER_CONNECT: used * 1e6 / count,
        Measure.CONNECTS_PER_SECOND: count / seconds,
        Measure.STAYED: 100 * stayed / len(everybody),
        **shares,
    }


def talk(work: Work, parts: Parts, plan: Plan) -> Measured:
    """Have everybody's rooms told something at a steady rate."""
    with _talkers(ROOM_SIZES[work], parts, plan) as (pod, load):
        load.send(plan.rate, min(WARM_SECONDS, plan.seconds))
        watch = Watch(_pids(parts, pod))
        heard = load.send(plan.rate, plan.seconds)
        return {**_fate_of(heard), **_cost_of(heard, watch), **watch.shares()}


def receipts(work: Work, parts: Parts, plan: Plan) -> Measured:
    """The same twice, in one pod: nobody acknowledges anything, then everybody everything."""
    crowd = Crowd("talker", plan.connections, ROOM_SIZES[work])
    parts.settle(crowd)
    pod = parts.pod(SERVER_CORE)
    with _load_on(pod, ReadingClient) as load:
        load.connect(crowd.people())
        without = _acknowledged(parts, pod, load, plan, reads=False)
        found = _acknowledged(parts, pod, load, plan, reads=True)
    cost, before = found[Measure.CPU_PER_MESSAGE], without[Measure.CPU_PER_MESSAGE]
    return {
        **found,
        Measure.CPU_WITHOUT_RECEIPTS: before,
        Measure.RECEIPTS_FACTOR: cost / max(before, LEAST_CPU_US),
    }


def _acknowledged(parts: Parts, pod: Pod, load: Load, plan: Plan, *, reads: bool) -> Measured:
    rate = plan.rate / READERS_PART
    ReadingClient.reads = reads
    load.send(rate, min(WARM_SECONDS, plan.seconds))
    _settle_receipts(load)
    ReadingClient.marked = ReadingClient.taken = ReadingClient.told = 0
    watch = Watch(_pids(parts, pod))
    heard = load.send(rate, plan.seconds)
    _settle_receipts(load)
    ReadingClient.reads = False
    marked = ReadingClient.marked
    return {
        **_fate_of(heard),
        **_cost_of(heard, watch),
        Measure.RECEIPTS_TAKEN: 100 * ReadingClient.taken / max(1, marked),
        Measure.RECEIPTS_TOLD: ReadingClient.told / max(1, heard.acked),
        **watch.shares(),
    }


def _settle_receipts(load: Load) -> None:
    """Wait until all that was marked is taken, and has been told."""
    end = time.monotonic() + TAKEN_SECONDS
    while ReadingClient.taken < ReadingClient.marked and time.monotonic() < end:
        load.idle(SETTLE_SECONDS / 10)
    load.idle(SETTLE_SECONDS)


def highest(work: Work, parts: Parts, plan: Plan) -> Measured:
    """Find out how many messages a second are accepted and delivered in time."""
    with _talkers(ROOM_SIZES[work], parts, plan) as (pod, load):
        load.send(plan.rate / 2, min(WARM_SECONDS, plan.seconds))
        best: Measured = {}

        def is_held(rate: float) -> bool:
            nonlocal best
            for _ in range(TRIES):
                watch = Watch(_pids(parts, pod))
                heard = load.send(rate, plan.seconds * SHARE_OF_SECONDS, patience=BEHIND_SECONDS)
                shares = watch.shares()
                if _is_in_time(heard):
                    best = shares
                    return True
            return False

        held = highest_held(FIRST_RATE * plan.pressure, is_held)
        return {Measure.RATE_HELD: held, **best}


def pods(work: Work, parts: Parts, plan: Plan) -> Measured:
    """Have two pods exchange messages beside a third whose people are in other rooms.

    Heartbeats are so frequent that every stretch measured has the same number of them.
    """
    ping_ms = max(LEAST_PING_MS, int(plan.seconds * 1000 / 2))
    talkers = Crowd("talker", 2 * plan.connections // TALKERS_PART, ROOM_SIZES[work])
    listeners = Crowd("idle", plan.connections, ROOM_SIZES[work])
    parts.settle(talkers, listeners)
    ours, second, idle = (parts.pod(*ALL_CORES, ping_interval_ms=ping_ms) for _ in range(3))
    with _load_on(ours) as load:
        load.connect(talkers.people()[::2])
        load.connect(talkers.people()[1::2], port=second.port)
        load.connect(listeners.people(), port=idle.port, silent=True)
        load.send(plan.rate / 2, min(WARM_SECONDS, plan.seconds))
        pids = {
            **_pids(parts, ours),
            Measure.SECOND_POD_SHARE: second.pid,
            Measure.IDLE_POD_SHARE: idle.pid,
        }
        calm = Watch(pids)
        load.idle(plan.seconds)
        before = calm.shares()[Measure.IDLE_POD_SHARE]
        watch = Watch(pids)
        heard = load.send(plan.rate, plan.seconds)
        shares, cost = watch.shares(), _cost_of(heard, watch)
    cost[Measure.CPU_PER_MESSAGE] += _us_each(heard, watch, Measure.SECOND_POD_SHARE)
    return {**_fate_of(heard), **cost, **shares, Measure.IDLE_POD_SHARE_BEFORE: before}


WORKS: Final[Mapping[Work, Callable[[Parts, Plan], Measured]]] = {
    Work.CONNECT: partial(connect, Work.CONNECT),
    Work.ROOMS_2: partial(talk, Work.ROOMS_2),
    Work.ROOMS_10: partial(talk, Work.ROOMS_10),
    Work.HIGHEST_2: partial(highest, Work.HIGHEST_2),
    Work.HIGHEST_10: partial(highest, Work.HIGHEST_10),
    Work.RECEIPTS_10: partial(receipts, Work.RECEIPTS_10),
    Work.PODS: partial(pods, Work.PODS),
}


@contextmanager
def _talkers(room_size: int, parts: Parts, plan: Plan) -> Iterator[tuple[Pod, Load]]:
    """One pod on the first core, and everybody signed in there."""
    crowd = Crowd("talker", plan.connections, room_size)
    parts.settle(crowd)
    pod = parts.pod(SERVER_CORE)
    with _load_on(pod) as load:
        load.connect(crowd.people())
        yield pod, load


@contextmanager
def _load_on(pod: Pod, client: type[Client] = ContractClient) -> Iterator[Load]:
    load = Load(pod.port, client)
    try:
        yield load
    finally:
        load.close()


def _pids(parts: Parts, pod: Pod) -> dict[Measure, int]:
    return {
        Measure.POD_SHARE: pod.pid,
        Measure.MONGO_SHARE: parts.mongo_pid,
        Measure.REDIS_SHARE: parts.redis_pid,
    }


def _is_in_time(heard: Heard) -> bool:
    late = max(heard.percentile_ms(99), percentile_ms(heard.ack_latencies, 99))
    return heard.complete and late < HELD_P99_MS


def _fate_of(heard: Heard) -> Measured:
    return {
        Measure.ACCEPTED: 100 * heard.acked / heard.planned,
        Measure.DELIVERED: 100 * heard.delivered / max(1, heard.expected),
        Measure.ACK_MEAN: _mean_ms(heard.ack_latencies),
        Measure.ACK_P99: percentile_ms(heard.ack_latencies, 99),
        Measure.DELIVERY_MEAN: _mean_ms(heard.latencies),
        Measure.DELIVERY_P99: heard.percentile_ms(99),
    }


def _cost_of(heard: Heard, watch: Watch) -> dict[Measure, float]:
    return {
        Measure.CPU_PER_MESSAGE: _us_each(heard, watch, Measure.POD_SHARE),
        Measure.MONGO_CPU_PER_MESSAGE: _us_each(heard, watch, Measure.MONGO_SHARE),
        Measure.REDIS_CPU_PER_MESSAGE: _us_each(heard, watch, Measure.REDIS_SHARE),
    }


def _us_each(heard: Heard, watch: Watch, whose: Measure) -> float:
    return watch.seconds(whose) * 1e6 / max(1, heard.acked)


def _mean_ms(latencies: Sequence[int]) -> float:
    return fmean(latencies) / 1000 if latencies else math.inf
