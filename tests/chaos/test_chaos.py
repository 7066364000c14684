"""Four of the faults, with a small crowd: `make chaos` has all of them, with several hundred."""

from pathlib import Path

import pytest

from tests.chaos.fault import Fault
from tests.chaos.faults.catalogue import FAULTS
from tests.chaos.trial import Plan, trial

PLAN = Plan(clients=60, per_second=30, before=3, after=3)
LEAST_ACCEPTED = 60
"""Fewer would prove little; more than this is said while nothing is broken."""

NAMES = (
    "SIGKILL of a pod",
    "SIGKILL between the write and the publish",
    "Redis SIGKILL and restart, empty",
    "MongoDB primary step-down",
)


def named(name: str) -> Fault:
    [fault] = [fault for fault in FAULTS if fault.name == name]
    return fault


@pytest.mark.alone
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", NAMES)
async def test_nothing_is_lost_or_shown_twice(name: str, tmp_path: Path) -> None:
    outcome = await trial(named(name), PLAN, tmp_path / "chaos", lambda _: None)
    assert [str(problem) for problem in outcome.problems] == []
    assert outcome.accepted >= LEAST_ACCEPTED
