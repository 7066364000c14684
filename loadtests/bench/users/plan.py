"""What both kinds of people do: they write and hear, in rooms of all sizes, and nothing else."""

from typing import Final

from loadtests.swarm.cast import Layout
from loadtests.swarm.scenario import Scenario

SCENARIO: Final = Scenario(
    name="users",
    layout=Layout.ZIPF,
    users=300,
    spawn_rate=100,
    hold_seconds=20,
    message_rate=60,
    warm_seconds=0,
)
