"""Whether a run was as good as its scenario asks."""

import operator
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from loadtests.swarm.run.times import Times
from loadtests.swarm.scenario import Gates, Scenario
from loadtests.swarm.tally import Tally

ALMOST: Final = 1e-9


class Gate(Struct, frozen=True, kw_only=True, rename="camel"):
    """A bound, and what was found; ``None`` where nothing was, and then it does not hold."""

    name: str
    bound: float
    value: float | None
    holds: bool
    at_least: bool = False


class Found(Struct, frozen=True, kw_only=True):
    """What a run is judged by.

    ``talking``: if messages were to be sent; ``undisturbed``: if nothing was done to anybody;
    ``returning``: if everybody was to come back once.
    """

    users: int
    talking: bool
    undisturbed: bool
    returning: bool
    connects: Times
    acks: Times
    reconnects: Times
    deliveries: Times
    warming: Times
    tally: Tally


def overridden(gates: Gates, given: Sequence[str]) -> Gates:
    """The gates with others' bounds, such as ``delivery_mean=80``.

    Raises ``ValueError``, with a line that says which there are.
    """
    bounds = {}
    for one in given:
        name, _, bound = one.partition("=")
        if name not in Gates.__struct_fields__:
            known = ", ".join(Gates.__struct_fields__)
            raise ValueError(f"no gate is called {name!r}; there are {known}")
        try:
            bounds[name] = float(bound)
        except ValueError:
            raise ValueError(f"{name} must be a number, not {bound!r}") from None
    return msgspec.structs.replace(gates, **bounds)


def judged(gates: Gates, found: Found) -> list[Gate]:
    """Each gate by itself, the most important first."""
    tally = found.tally
    return [
        *_nothing_may("lost", tally.lost),
        *_nothing_may("duplicated", tally.duplicated),
        *_nothing_may("misdelivered", tally.misdelivered),
        *_nothing_may("bad_requests", tally.bad_requests),
        *_nothing_may("unresolved", tally.unresolved),
        *_nothing_may("crashed", tally.crashed),
        *_at_least("connect_success", gates.connect_success, _connected(found)),
        *_at_most("connect_p99", gates.connect_p99, found.connects, found.connects.p99_ms),
        *_kept(gates, found),
        *_returned(gates, found),
        *_at_least("judged", gates.connect_success * found.users, tally.judged),
        *(_delivered(gates, found) if found.talking else ()),
    ]


def gates_of(scenario: Scenario, given: Sequence[str]) -> Gates:
    """A scenario's, but for what the command line says."""
    return overridden(scenario.gates, given)


def table(gates: Sequence[Gate]) -> str:
    """The gates, a line each."""
    rows = [("gate", "bound", "found", ""), *map(_row, gates)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        f"  {name:<{widths[0]}}  {bound:>{widths[1]}}  {value:>{widths[2]}}  {mark}".rstrip()
        for name, bound, value, mark in rows
    )


def _row(gate: Gate) -> tuple[str, str, str, str]:
    sign = "≥" if gate.at_least else "≤"
    value = "nothing" if gate.value is None else _number(gate.value)
    return gate.name, f"{sign} {_number(gate.bound)}", value, "holds" if gate.holds else "FAILS"


def _number(value: float) -> str:
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def _connected(found: Found) -> float:
    """The share of all who came, and of all attempts, whichever is less."""
    good = found.connects.count - found.connects.failed
    return good / max(found.connects.count, found.users, 1)


def _kept(gates: Gates, found: Found) -> Iterator[Gate]:
    """Nobody has a reason to lose a connection where nothing is done."""
    if found.undisturbed:
        bound, dropped = (1 - gates.connect_success) * found.users, found.tally.dropped
        holds = dropped <= bound + ALMOST
        yield Gate(name="dropped", bound=bound, value=dropped, holds=holds)


def _returned(gates: Gates, found: Found) -> Iterator[Gate]:
    reconnects = found.reconnects
    good = reconnects.count - reconnects.failed
    if found.returning:
        yield from _at_least("returned", gates.connect_success * found.users, good)
    if reconnects.count:
        yield from _at_least("reconnect_success", gates.connect_success, good / reconnects.count)


def _delivered(gates: Gates, found: Found) -> Iterator[Gate]:
    times, acks, tally = found.deliveries, found.acks, found.tally
    yield from _at_least("accepted", max(1, gates.ack_success * tally.due), tally.accepted)
    good = (acks.count - acks.failed) / max(1, acks.count)
    yield from _at_least("ack_success", gates.ack_success, good)
    yield from _at_most("delivery_mean", gates.delivery_mean, times, times.mean_ms)
    yield from _at_most("delivery_p99", gates.delivery_p99, times, times.p99_ms)
    if found.warming.count:
        yield from _at_most("warming_p99", gates.warming_p99, found.warming, found.warming.p99_ms)


def _nothing_may(name: str, count: int) -> Iterator[Gate]:
    yield Gate(name=name, bound=0, value=count, holds=count == 0)


def _at_least(name: str, bound: float, value: float) -> Iterator[Gate]:
    holds = operator.ge(value, bound - ALMOST)
    yield Gate(name=name, bound=bound, value=value, holds=holds, at_least=True)


def _at_most(name: str, bound: float, times: Times, value: float) -> Iterator[Gate]:
    measured = times.count > times.failed
    yield Gate(
        name=name,
        bound=bound,
        value=value if measured else None,
        holds=measured and value <= bound,
    )
