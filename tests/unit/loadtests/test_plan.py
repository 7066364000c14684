"""Which scenarios there are, and how large a run is."""

from pathlib import Path

import pytest

from loadtests.stage.plan import Plan, workers_for
from loadtests.swarm.repertoire import locustfile, names, scenario
from loadtests.swarm.scenario import sized


def test_every_scenario_is_found_by_its_name() -> None:
    assert [scenario(name).name for name in names()] == names()
    assert {"connect", "pairs", "rollout", "storm"} < set(names())


def test_an_unknown_one_lists_all() -> None:
    with pytest.raises(ValueError, match=r"'pears'; there are big_room, .*, storm$"):
        scenario("pears")


def test_messages_are_in_proportion_to_people() -> None:
    usual = scenario("pairs")
    half = sized(usual, users=usual.users // 2)
    assert half.message_rate == usual.message_rate / 2
    assert (half.spawn_rate, half.hold_seconds) == (usual.spawn_rate, usual.hold_seconds)
    said = sized(usual, users=10, spawn_rate=1, warm=0, hold=0, message_rate=0)
    assert (said.spawn_rate, said.warm_seconds, said.hold_seconds) == (1, 0, 0)
    assert said.message_rate == 0


def test_few_people_need_few_processes() -> None:
    assert workers_for(1) == workers_for(60) == 1
    assert 1 <= workers_for(120) <= 2


def test_a_run_has_time_for_all_of_its_phases() -> None:
    found = sized(scenario("pairs"), users=100, spawn_rate=10, hold=30)
    plan = Plan(scenario=found, workers=1, settle_seconds=5, gates=(), out=Path())
    assert plan.most_seconds > 100 / 10 + found.warm_seconds + 30 + 5
    assert locustfile(found.name).exists()
