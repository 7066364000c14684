"""A process' part of a run, as far as it does without servers."""

from collections.abc import Callable

import gevent
import pytest
from locust.env import Environment

from loadtests.scenarios.storm import SCENARIO
from loadtests.swarm.options import Options
from loadtests.swarm.people.crashes import guarded
from loadtests.swarm.people.play import Play
from loadtests.swarm.people.talk import Talk
from loadtests.swarm.tally import Tally, tallies
from loadtests.swarm.user import ChatUser, follow

WARM, HOLD = 2.0, 6.0


def test_who_never_comes_keeps_nobody_from_warming_up(monkeypatch: pytest.MonkeyPatch) -> None:
    talked: list[tuple[float, float, float]] = []
    later: list[float] = []

    def talk(_: Talk, warm: float, hold: float, rate: float) -> None:
        talked.append((warm, hold, rate))

    def spawn_later(seconds: float, _: Callable[[], None]) -> None:
        later.append(seconds)

    monkeypatch.setattr(Talk, "go_on_for", talk)
    monkeypatch.setattr(gevent, "spawn_later", spawn_later)
    play = Play(
        Environment(),
        SCENARIO,
        Options(
            host="http://127.0.0.1:1",
            people=2,
            shards=1,
            shard=0,
            message_rate=3,
            warm_seconds=WARM,
            hold_seconds=HOLD,
            settle_seconds=0,
            jwt_secret="s" * 32,
        ),
    )
    play.perform()
    [(warm, hold, rate)] = talked
    assert 0 < warm < WARM
    assert hold == pytest.approx(HOLD)
    assert rate == pytest.approx(3), "no less is said for it"
    assert later == [WARM, WARM + HOLD / 2], "the hold and the storm are on time"


def test_a_crash_of_the_players_is_counted() -> None:
    def crash() -> None:
        raise NotImplementedError

    tally = Tally()
    greenlet = gevent.spawn(guarded(tally, crash))
    greenlet.join()
    assert (greenlet.successful(), tally.crashed) == (True, 1)


def test_a_performance_that_never_begins_and_a_user_who_fails_are_crashes() -> None:
    class Unprepared(ChatUser):
        scenario = SCENARIO

    environment = Environment(user_classes=[Unprepared])
    follow(environment)
    environment.events.spawning_complete.fire(user_count=1)
    gevent.sleep(0)
    assert tallies(environment).own.crashed == 1
    environment.events.user_error.fire(user_instance=None, exception=ValueError(), tb=None)
    assert tallies(environment).own.crashed == 2
