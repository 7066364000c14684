"""The works: each takes a fresh server and returns what it measured."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Final

from loadtests.bench.highest import HighestRate
from loadtests.bench.load import Heard, Load
from loadtests.bench.people import people
from loadtests.bench.plan import TRAFFIC, Plan, ServerName, Traffic, Work
from loadtests.bench.samples import Measure
from loadtests.bench.servers import Server
from loadtests.bench.siege import LEAST, besieged
from loadtests.bench.watch import Watch

Measured = Mapping[Measure, float]

WARM_CLIENTS: Final = 200
WARM_SECONDS: Final = 2.0
SETTLE_SECONDS: Final = 5.0

HOSTILE_PART: Final = 20
"""People, and messages too, are so many times fewer where half of the clients are hostile."""

SIEGE_SECONDS: Final = 300.0


def connect(server: Server, plan: Plan) -> Measured:
    """Sign everybody in at once, with a token that is checked, and let them be idle.

    Some are there before, so that what a server loads or compiles once is not counted.
    """
    warm = max(1, min(WARM_CLIENTS, plan.connections // 10))
    everybody = people(plan.connections + warm, TRAFFIC[Work.ROOMS_10].room_size)
    with _load_on(server) as load:
        load.connect(everybody[:warm])
        load.idle(min(1.0, plan.seconds))
        memory, watch = server.resident_bytes, Watch(server)
        seconds = load.connect(everybody[warm:])
        cpu_us, shares = watch.server_us, watch.shares()
        load.idle(min(SETTLE_SECONDS, plan.seconds))
        grown, stayed = server.resident_bytes - memory, len(everybody) - load.tally.lost
    return {
        Measure.CONNECTS_PER_SECOND: plan.connections / seconds,
        Measure.CPU_PER_CONNECT: cpu_us / plan.connections,
        Measure.MEMORY_PER_CONNECTION: grown / 1024 / plan.connections,
        Measure.DELIVERED: 100 * stayed / len(everybody),
        **shares,
    }


def talk(traffic: Traffic, server: Server, plan: Plan) -> Measured:
    """Have everybody's rooms told something at a steady rate."""
    rate = traffic.rate * plan.pressure
    with _load_on(server) as load:
        load.connect(people(plan.connections, traffic.room_size))
        load.send(rate, min(WARM_SECONDS, plan.seconds))
        watch = Watch(server)
        heard = load.send(rate, plan.seconds)
        return {
            **_fate_of(heard),
            Measure.CPU_PER_DELIVERY: watch.server_us / max(1, heard.delivered),
            **watch.shares(),
        }


def highest(server: Server, plan: Plan) -> Measured:
    """Find out how many messages a second rooms of 10 can be told in time."""
    with _load_on(server) as load:
        load.connect(people(plan.connections, TRAFFIC[Work.ROOMS_10].room_size))
        return HighestRate(server, load, plan).find()


def hostile(server: Server, plan: Plan) -> Measured:
    """Have a few talk, first among themselves, then beside as many hostile clients."""
    traffic, size = TRAFFIC[Work.ROOMS_10], max(LEAST, plan.connections // HOSTILE_PART)
    rate = traffic.rate * plan.pressure / HOSTILE_PART
    with _load_on(server) as load:
        load.connect(people(size, traffic.room_size))
        calm = load.send(rate, plan.seconds)
        with besieged(server.port, size, SIEGE_SECONDS):
            load.idle(min(WARM_SECONDS, plan.seconds))
            watch = Watch(server)
            heard = load.send(rate, plan.seconds)
            shares = watch.shares()
    return {**_fate_of(heard), Measure.CALM_P99: calm.percentile_ms(99), **shares}


WORKS: Final[Mapping[Work, Callable[[Server, Plan], Measured]]] = {
    Work.CONNECT: connect,
    **{work: partial(talk, traffic) for work, traffic in TRAFFIC.items()},
    Work.HIGHEST: highest,
    Work.HOSTILE: hostile,
}


ABLE: Final[Mapping[Work, Collection[ServerName]]] = {Work.HOSTILE: (ServerName.OURS,)}
"""Works that not every server can do: hostility is made to the measure of our contract."""


@contextmanager
def _load_on(server: Server) -> Iterator[Load]:
    load = Load(server.port)
    try:
        yield load
    finally:
        load.close()


def _fate_of(heard: Heard) -> Measured:
    return {
        Measure.DELIVERED: 100 * heard.delivered / heard.expected,
        Measure.P50: heard.percentile_ms(50),
        Measure.P99: heard.percentile_ms(99),
    }
