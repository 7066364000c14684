"""Locust's user: one person of the cast, who comes, talks and is judged.

A person costs a greenlet that nearly always waits, a socket and a watcher in gevent's loop, which
calls what takes the frames apart; only what is not recognised by how it begins is decoded. Locust's
own ``SocketIOUser`` takes three to four times the processor time for a delivery and five times the
memory for a connection (``python -m loadtests.bench.users`` measures both): where load and servers
share two cores, what 10,000 people do would be spent on playing them.
"""

import math
import sys
from functools import partial
from typing import Any, ClassVar

import gevent
from gevent.event import Event
from locust import User, constant, events, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.swarm.options import options
from loadtests.swarm.people.crashes import guarded
from loadtests.swarm.people.person import Person
from loadtests.swarm.people.play import Play
from loadtests.swarm.run import judging
from loadtests.swarm.run.preflight import Unfit, hold, not_begun
from loadtests.swarm.scenario import Scenario
from loadtests.swarm.tally import tallies
from loadtests.swarm.views import exporter

__all__ = ["ChatUser", "exporter", "judging"]


class ChatUser(User):
    """Plays the next person of this process' shard; a scenario's own class names it."""

    abstract = True
    wait_time = constant(1)
    scenario: ClassVar[Scenario]
    play: ClassVar[Play]
    person: Person | None = None

    @task
    def live(self) -> None:
        """Be there until Locust ends it; who is one too many does nothing."""
        self.person = self.play.enter()
        if self.person is not None:
            self.person.live()
        Event().wait()

    def on_stop(self) -> None:
        """Leave."""
        if self.person is not None:
            self.person.leave()


def begin(environment: Environment, **_: Any) -> None:
    """Prepare this process' part, if it plays people at all."""
    if not isinstance(environment.runner, MasterRunner):
        for kind in _kinds(environment):
            given = options(environment, kind.scenario)
            _look_first(environment, kind.scenario, math.ceil(given.people / given.shards))
            kind.play = Play(environment, kind.scenario, given)


def perform(environment: Environment) -> None:
    """Everything after the ramp, in a greenlet of its own."""
    for kind in _kinds(environment):
        kind.play.perform()


def follow(environment: Environment, **_: Any) -> None:
    """Have Locust's events lead from one phase to the next."""

    def ramped(**_: Any) -> None:
        if not isinstance(environment.runner, MasterRunner):
            gevent.spawn(guarded(tallies(environment).own, partial(perform, environment)))

    def stopping(**_: Any) -> None:
        if not isinstance(environment.runner, MasterRunner):
            for kind in _kinds(environment):
                kind.play.judge()

    def crashed(**_: Any) -> None:
        tallies(environment).own.crashed += 1  # Locust tells the traceback

    environment.events.test_start.add_listener(begin)
    environment.events.spawning_complete.add_listener(ramped)
    environment.events.test_stopping.add_listener(stopping)
    environment.events.user_error.add_listener(crashed)


def _look_first(environment: Environment, scenario: Scenario, people: int) -> None:
    """Nobody has looked at the machine of a worker who came by itself; its master is told."""
    given = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner) and given and not given.checked:
        try:
            hold(people, scenario)
        except Unfit as unfit:
            environment.events.quitting.fire(environment=environment, reverse=True)
            sys.exit(not_begun(str(unfit)))


def _kinds(environment: Environment) -> list[type[ChatUser]]:
    return [kind for kind in environment.user_classes if issubclass(kind, ChatUser)]


events.init.add_listener(follow)
