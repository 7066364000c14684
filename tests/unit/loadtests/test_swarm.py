"""Locust's processes, and what their end says."""

from pathlib import Path

from loadtests.stage.elsewhere import Elsewhere
from loadtests.stage.plan import Plan
from loadtests.stage.swarm import Swarm, command_of
from loadtests.swarm.repertoire import scenario
from loadtests.swarm.scenario import sized


def test_a_locust_that_is_killed_has_not_judged(tmp_path: Path) -> None:
    found = sized(scenario("pairs"), users=2)
    plan = Plan(scenario=found, workers=1, settle_seconds=1, gates=(), out=tmp_path)
    nowhere = Elsewhere("http://127.0.0.1:1", store_url="", secret="", pods=(), command="")
    swarm = Swarm(plan, nowhere)
    swarm.close()
    assert swarm.troubles() == ["Locust ended with status -9"]


def test_workers_that_never_come_are_not_waited_for_without_end(tmp_path: Path) -> None:
    plan = Plan(scenario=scenario("pairs"), workers=2, settle_seconds=1, gates=(), out=tmp_path)
    said = command_of(plan, "http://127.0.0.1:1")
    assert int(said[said.index("--expect-workers-max-wait") + 1]) > 0
