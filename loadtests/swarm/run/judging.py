"""What Locust's master does beside: it tells how the run goes, ends it, and judges it."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import gevent
from locust import events, log
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner
from locust.stats import StatsError

from loadtests.swarm.options import Options, options
from loadtests.swarm.run import summary as summaries
from loadtests.swarm.run.course import Course, Phase
from loadtests.swarm.run.preflight import Unfit, check, not_begun, of_run
from loadtests.swarm.run.progress import Progress
from loadtests.swarm.run.summary import Failure, Messages, Summary
from loadtests.swarm.run.times import times_of
from loadtests.swarm.run.verdict import Found, gates_of, judged, table
from loadtests.swarm.scenario import Scenario
from loadtests.swarm.tally import tallies
from loadtests.swarm.timings import DELIVERY, WARMING

LOOK_SECONDS: Final = 0.25


def add_arguments(parser: LocustArgumentParser) -> None:
    """What a run is told of how to end."""
    add = parser.add_argument_group("Whatchat's verdict").add_argument
    add("--out", default="", help="folder for summary.json; none if empty")
    add("--gate", action="append", default=[], help="another bound, such as delivery_mean=80")
    add("--checked", action="store_true", help="the servers were looked at before")


def attend(environment: Environment, **_: Any) -> None:
    """Follow the run from here, unless another process does."""
    if isinstance(environment.runner, WorkerRunner) or not environment.parsed_options:
        return
    given, scenario = environment.parsed_options, scenario_of(environment)
    attendant = Attendant(environment, scenario, given)
    environment.events.test_start.add_listener(lambda **_: attendant.begin())
    environment.events.quitting.add_listener(lambda **_: attendant.judge())
    if given.headless and not given.checked:
        _look_first(environment, scenario, given)


def scenario_of(environment: Environment) -> Scenario:
    """That of the locustfile's user class."""
    [user] = environment.user_classes
    scenario: Scenario = user.scenario  # type: ignore[attr-defined]  # all of ours have one
    return scenario


class Attendant:
    """Looks after one run."""

    def __init__(
        self, environment: Environment, scenario: Scenario, given: argparse.Namespace
    ) -> None:
        self._environment = environment
        self._scenario = scenario
        self._given = given
        try:
            self._gates = gates_of(scenario, self._given.gate)
        except ValueError as error:
            _end(str(error))
        self._options: Options | None = None
        self._course: Course | None = None

    def begin(self) -> None:
        """The first user is about to come."""
        self._options = options(self._environment, self._scenario)
        given = self._options
        self._course = Course(given.warm_seconds, given.hold_seconds, given.settle_seconds)
        self._course.follow(self._environment)
        self._course.begin()
        if self._given.headless:
            gevent.spawn(self._attend, self._course)

    def judge(self) -> None:
        """The run is over: say how it went, and make that Locust's exit code."""
        if self._course is None or self._options is None:
            return
        found = self._summary(self._course, self._options)
        sys.stdout.write(f"{table(found.gates)}\n")
        sys.stdout.flush()
        if self._given.out:
            summaries.write(found, Path(self._given.out))
        if not found.passed:
            self._environment.process_exit_code = 1
        elif not log.unhandled_greenlet_exception:
            self._environment.process_exit_code = 0

    def _attend(self, course: Course) -> None:
        progress = Progress(self._environment, course)
        while not (course.is_reported or self._all_judged()):
            progress.look()
            gevent.sleep(LOOK_SECONDS)
        if self._environment.runner:
            self._environment.runner.quit()

    def _all_judged(self) -> bool:
        people = self._options.people if self._options else 0
        return 0 < people <= tallies(self._environment).total.judged

    def _summary(self, course: Course, given: Options) -> Summary:
        stats, tally = self._environment.stats, tallies(self._environment).total
        found = Found(
            users=given.people,
            talking=given.message_rate > 0,
            undisturbed=self._scenario.disturbance == "nothing",
            returning=self._scenario.sends_away,
            connects=times_of(stats, "connect"),
            acks=times_of(stats, "ack"),
            reconnects=times_of(stats, "reconnect"),
            deliveries=times_of(stats, DELIVERY),
            warming=times_of(stats, WARMING),
            tally=tally,
        )
        gates = judged(self._gates, found)
        held = tally.in_time - tally.warming
        per_second = held / course.held_seconds if course.held_seconds else 0.0
        return Summary(
            scenario=self._scenario.name,
            host=given.host,
            users=given.people,
            workers=given.shards,
            started=summaries.at(course.begun),
            seconds=round(course.seconds, 1),
            phases=[*course.phases(), *self._storm(course, given, found)],
            connects=found.connects,
            acks=found.acks,
            deliveries=found.deliveries,
            warming=found.warming,
            reconnects=found.reconnects,
            messages=Messages(accepted=tally.accepted, per_second=round(per_second, 1)),
            tally=tally,
            failures=[_failure(error) for error in stats.errors.values()],
            gates=gates,
            passed=all(gate.holds for gate in gates),
        )

    def _storm(self, course: Course, given: Options, found: Found) -> Iterator[Phase]:
        """From the moment at which everybody drops until the last one is back."""
        if self._scenario.disturbance == "storm" and found.reconnects.count:
            start = course.all_there + given.warm_seconds + given.hold_seconds / 2
            yield Phase("storm", start, start + found.reconnects.max_ms / 1_000)


def _failure(error: StatsError) -> Failure:
    return Failure(what=error.to_name(), count=error.occurrences)


def _look_first(environment: Environment, scenario: Scenario, given: argparse.Namespace) -> None:
    is_master = isinstance(environment.runner, MasterRunner)
    run = of_run(
        scenario,
        host=environment.host or "",
        secret=given.jwt_secret,
        users=given.people or given.num_users or 1,
        workers=given.shards or (given.expect_workers if is_master else 1),
        apart=is_master and not given.processes,
    )
    try:
        check(run)
    except Unfit as unfit:
        _end(str(unfit))


def _end(reason: str) -> None:
    sys.exit(not_begun(reason))


events.init_command_line_parser.add_listener(add_arguments)
events.init.add_listener(attend)
