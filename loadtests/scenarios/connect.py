"""Everybody comes and stays: how many connections are held, and what one costs.

Ten thousand people connect at 250 a second and then hardly talk: what is seen is the ramp and the
memory. The gates are the usual ones.
"""

from typing import Final

from loadtests.swarm.cast import Layout
from loadtests.swarm.scenario import Scenario
from loadtests.swarm.user import ChatUser

SCENARIO: Final = Scenario(
    name="connect",
    layout=Layout.PAIRS,
    users=10_000,
    spawn_rate=250,
    hold_seconds=60,
    message_rate=10,
    warm_seconds=0,
)


class ConnectUser(ChatUser):
    """Somebody of this scenario."""

    scenario = SCENARIO
