"""What a run may be told beyond what Locust itself asks."""

import argparse
import os
from typing import Any, Final

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner
from msgspec import Struct

from loadtests.swarm.scenario import Scenario

SETTLE_SECONDS: Final = 15.0


class Options(Struct, frozen=True, kw_only=True):
    """A run's size: the scenario's own, but for what the command line says.

    ``shard`` is the part of the ``people`` that this process plays.
    """

    host: str
    people: int
    shards: int
    shard: int
    message_rate: float
    warm_seconds: float
    hold_seconds: float
    settle_seconds: float
    jwt_secret: str


def add_arguments(parser: LocustArgumentParser) -> None:
    """Locust hands them from the master to its workers."""
    group = parser.add_argument_group("Whatchat")
    add = group.add_argument
    add("--people", type=int, default=0, help="how many were seeded; as many as users if 0")
    add("--shards", type=int, default=0, help="parts they were seeded in; one a worker if 0")
    add("--message-rate", type=float, help="messages a second of all together")
    add("--warm", type=float, help="seconds before that in which messages become so many")
    add("--hold", type=float, help="seconds during which everybody is there and talks")
    add("--settle", type=float, default=SETTLE_SECONDS, help="seconds of silence at the end")
    add(
        "--jwt-secret",
        default=os.environ.get("WHATCHAT_JWT_SECRET", ""),
        help="the servers' WHATCHAT_JWT_SECRET, to sign everybody's tokens with",
    )


def complete(environment: Environment, **_: Any) -> None:
    """What follows from the users and workers that there are; workers are told by the master."""
    runner, given = environment.runner, _parsed(environment)
    if not isinstance(runner, WorkerRunner):
        workers = runner.worker_count if isinstance(runner, MasterRunner) else 1
        given.people = given.people or given.num_users or 1
        given.shards = given.shards or workers


def options(environment: Environment, scenario: Scenario) -> Options:
    """What holds in this process, once the run has begun."""
    given = _parsed(environment)
    runner = environment.runner
    return Options(
        host=(environment.host or "").rstrip("/"),
        people=given.people,
        shards=given.shards,
        shard=runner.worker_index if isinstance(runner, WorkerRunner) else 0,
        message_rate=_given(given.message_rate, scenario.message_rate),
        warm_seconds=_given(given.warm, scenario.warm_seconds),
        hold_seconds=_given(given.hold, scenario.hold_seconds),
        settle_seconds=given.settle,
        jwt_secret=given.jwt_secret,
    )


def _parsed(environment: Environment) -> argparse.Namespace:
    given = environment.parsed_options
    assert isinstance(given, argparse.Namespace)
    return given


def _given(said: float | None, usual: float) -> float:
    return usual if said is None else said


events.init_command_line_parser.add_listener(add_arguments)
events.test_start.add_listener(complete)
