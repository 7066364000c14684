"""Everybody talks with one other: as many messages as can be accepted durably.

Ten thousand people accept and hear a thousand messages a second, each of which is written to the
store before it is acknowledged. The gates are the usual ones.
"""

from typing import Final

from loadtests.swarm.cast import Layout
from loadtests.swarm.scenario import Scenario
from loadtests.swarm.user import ChatUser

SCENARIO: Final = Scenario(
    name="pairs",
    layout=Layout.PAIRS,
    users=10_000,
    spawn_rate=200,
    hold_seconds=120,
    message_rate=1_000,
)


class PairsUser(ChatUser):
    """Somebody of this scenario."""

    scenario = SCENARIO
