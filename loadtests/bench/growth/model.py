"""What a deployment needs, calibrated from what was measured."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from msgspec import Struct

from loadtests.bench.growth.fit import Fit, Row, fitted
from loadtests.bench.growth.plan import Work
from loadtests.bench.growth.report import Report
from loadtests.bench.growth.samples import Measure, Point, Series

BASE: Final = "base"
MOST_PODS: Final = 10**9

Effect = Measure

CAUSES: Final[Mapping[Effect, Sequence[str]]] = {
    Measure.POD_BYTES: (Measure.PODS, Measure.CONNECTIONS),
    Measure.POD_CORES: (
        Measure.PODS,
        Measure.CONNECTIONS,
        Measure.MESSAGES,
        Measure.DELIVERIES,
        Measure.HEARINGS,
        Measure.RECEIPTS,
    ),
    Measure.MONGO_CORES: (BASE, Measure.PODS, Measure.MESSAGES, Measure.RECEIPTS),
    Measure.REDIS_CORES: (
        BASE,
        Measure.PODS,
        Measure.CONNECTIONS,
        Measure.MESSAGES,
        Measure.HEARINGS,
        Measure.RECEIPTS,
    ),
    Measure.REDIS_BYTES: (BASE, Measure.CONNECTIONS),
    Measure.CLIENT_TRAFFIC: (
        Measure.CONNECTIONS,
        Measure.MESSAGES,
        Measure.DELIVERIES,
        Measure.RECEIPTS,
    ),
    Measure.MONGO_TRAFFIC: (Measure.PODS, Measure.MESSAGES, Measure.RECEIPTS),
    Measure.REDIS_TRAFFIC: (
        Measure.PODS,
        Measure.CONNECTIONS,
        Measure.MESSAGES,
        Measure.HEARINGS,
        Measure.RECEIPTS,
    ),
}
"""What is taken to be the sum of what."""

IDLE_ALONE: Final = frozenset({Measure.POD_BYTES, Measure.REDIS_BYTES})
"""What is fitted to idle connections only: how much memory messages leave depends on their past."""

Model = Mapping[Effect, Fit]


class Crowd(Struct, frozen=True, kw_only=True):
    """What people do: each has one socket, and is in rooms of which all members are there."""

    name: str
    per_minute: float
    room_size: int
    reads: bool = True


class Bounds(Struct, frozen=True, kw_only=True):
    """How far each part may be used; a pod and a Redis have one core to themselves.

    What is kept free of a core is what the others need when a third of the pods goes; of memory
    and sockets there is ``spare`` for that.
    """

    share: float = 0.6
    pod_bytes: int = 512 * 2**20
    pod_sockets: int = 5_000
    spare: float = 1.5
    primary_cores: int = 32
    network_bits: float = 10e9


class Needs(Struct, frozen=True, kw_only=True):
    """What a crowd of so many needs."""

    connections: int
    messages: float
    deliveries: float
    hearings: float
    pods_by_cpu: int
    pods_by_memory: int
    pods_by_sockets: int
    pods: int
    pod_cores: float
    pod_bytes: float
    mongo_cores: float
    redis_cores: float
    redis_shards: int
    redis_bytes: float
    client_traffic: float
    mongo_traffic: float
    redis_traffic: float


def calibrated(report: Report) -> Model:
    """The model that a run's complete points give."""
    points = [one for one in report.points if one.series is not Series.SYNC and one.complete]
    idle = [one for one in points if one.work is Work.CONNECTIONS]
    return {effect: _fit(effect, idle if effect in IDLE_ALONE else points) for effect in CAUSES}


def _fit(effect: Effect, points: Sequence[Point]) -> Fit:
    rows = [{**one.found, BASE: 1.0} for one in points]
    return fitted(rows, [one.found[effect] for one in points], CAUSES[effect])


def needs(model: Model, crowd: Crowd, bounds: Bounds, connections: int) -> Needs:
    """What so many connections need, with pods for the processor, for memory and for sockets."""
    used = partial(_used, model, crowd, connections)
    by_cpu = _pods(lambda pods: used(pods, Measure.POD_CORES) / bounds.share)
    by_memory = _pods(lambda pods: used(pods, Measure.POD_BYTES) / bounds.pod_bytes)
    by_sockets = math.ceil(connections / bounds.pod_sockets)
    pods = max(by_cpu, math.ceil(bounds.spare * max(by_memory, by_sockets)))
    causes = _causes(crowd, connections, pods)
    redis = model[Measure.REDIS_CORES].at(causes)
    return Needs(
        connections=connections,
        messages=causes[Measure.MESSAGES],
        deliveries=causes[Measure.DELIVERIES],
        hearings=causes[Measure.HEARINGS],
        pods_by_cpu=by_cpu,
        pods_by_memory=by_memory,
        pods_by_sockets=by_sockets,
        pods=pods,
        pod_cores=model[Measure.POD_CORES].at(causes),
        pod_bytes=model[Measure.POD_BYTES].at(causes),
        mongo_cores=model[Measure.MONGO_CORES].at(causes),
        redis_cores=redis,
        redis_shards=max(1, math.ceil(redis / bounds.share)),
        redis_bytes=model[Measure.REDIS_BYTES].at(causes),
        client_traffic=model[Measure.CLIENT_TRAFFIC].at(causes),
        mongo_traffic=model[Measure.MONGO_TRAFFIC].at(causes),
        redis_traffic=model[Measure.REDIS_TRAFFIC].at(causes),
    )


def others_that_hear(room_size: int, pods: int) -> float:
    """On how many other pods the rest of a room is, in the mean, if people are anywhere."""
    return (pods - 1) * (1 - (1 - 1 / pods) ** (room_size - 1))


def _causes(crowd: Crowd, connections: int, pods: int) -> Row:
    messages = connections * crowd.per_minute / 60
    others = crowd.room_size - 1
    return {
        BASE: 1,
        Measure.PODS: pods,
        Measure.CONNECTIONS: connections,
        Measure.MESSAGES: messages,
        Measure.DELIVERIES: messages * others,
        Measure.HEARINGS: messages * others_that_hear(crowd.room_size, pods),
        Measure.RECEIPTS: messages * 2 * others if crowd.reads else 0,
    }


def _used(model: Model, crowd: Crowd, connections: int, pods: int, effect: Effect) -> float:
    """What so many pods use together."""
    return model[effect].at(_causes(crowd, connections, pods))


def _pods(wanted: Callable[[int], float]) -> int:
    """The fewest pods that are as many as are wanted, if so many are there."""
    pods = 1
    while (more := math.ceil(wanted(pods))) > pods:
        pods = more
        if pods > MOST_PODS:
            raise ValueError("a pod that nobody is connected to is beyond its bound already")
    return pods
