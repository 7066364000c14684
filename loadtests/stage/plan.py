"""What is to be run, and how large."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from loadtests.swarm.cast import MOST_IN_ROOM, Layout
from loadtests.swarm.run.course import REPORT_SECONDS
from loadtests.swarm.scenario import Scenario

ROOT: Final = Path(__file__).parents[2]
SPARE_SECONDS: Final = 60.0
"""A ramp takes longer where connecting does; nothing waits for more than this."""

LEAST_PEOPLE: Final = 50
"""A worker process for fewer is not worth its while."""


class Plan(Struct, frozen=True, kw_only=True):
    """A scenario by the size that was asked for; ``extra`` is what Locust is told besides.

    ``disturbed``: something is done to the cluster, though the scenario has nothing.
    """

    scenario: Scenario
    workers: int
    settle_seconds: float
    gates: Sequence[str]
    out: Path
    disturbed: bool = False
    extra: Sequence[str] = ()

    @property
    def most_seconds(self) -> int:
        """It ends by itself, and if not then Locust ends it after so long."""
        ramp = 2 * self.scenario.users / self.scenario.spawn_rate
        scenario = self.scenario
        talk = scenario.warm_seconds + scenario.hold_seconds + self.settle_seconds
        return round(ramp + talk + REPORT_SECONDS + SPARE_SECONDS)


def workers_for(scenario: Scenario) -> int:
    """As many as there are cores, or fewer where few people come, or all to one room.

    Whoever shares a room is played by one process.
    """
    least = MOST_IN_ROOM if scenario.layout is Layout.BIG else LEAST_PEOPLE
    return max(1, min(len(os.sched_getaffinity(0)), scenario.users // least))
