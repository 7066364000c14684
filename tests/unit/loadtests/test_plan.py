"""Which scenarios there are, and how large a run is."""

from pathlib import Path

import pytest

from loadtests.stage.plan import Plan, workers_for
from loadtests.swarm.cast import Cast
from loadtests.swarm.repertoire import about, locustfile, names, scenario
from loadtests.swarm.run.command import command
from loadtests.swarm.scenario import sized


def test_every_scenario_is_found_by_its_name() -> None:
    assert [scenario(name).name for name in names()] == names()
    assert {"connect", "pairs", "rollout", "storm"} < set(names())


def test_every_scenario_says_what_happens() -> None:
    assert about("storm") == "Everybody drops the connection at once and comes back."
    assert all(about(name) for name in names())


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
    usual = scenario("pairs")
    assert workers_for(sized(usual, users=1)) == workers_for(sized(usual, users=60)) == 1
    assert 1 <= workers_for(sized(usual, users=120)) <= 2


def test_a_big_room_is_played_by_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(8))
    usual = scenario("big_room")
    cast = Cast(usual.users, shards=workers_for(usual), layout=usual.layout)
    assert [len(room.members) for room in cast.rooms(0)] == [5_000]
    assert workers_for(sized(usual, users=10_000)) == 2


def test_each_process_gets_as_many_users_as_the_largest_part_has_people() -> None:
    said = command(sized(scenario("steady"), users=41), host="http://a", shards=2, out=Path())
    assert said[said.index("--users") + 1] == "42"
    assert said[said.index("--people") + 1] == "41"


def test_a_run_has_time_for_all_of_its_phases() -> None:
    found = sized(scenario("pairs"), users=100, spawn_rate=10, hold=30)
    plan = Plan(scenario=found, workers=1, settle_seconds=5, gates=(), out=Path())
    assert plan.most_seconds > 100 / 10 + found.warm_seconds + 30 + 5
    assert locustfile(found.name).exists()
