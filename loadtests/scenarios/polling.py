"""Nobody has a WebSocket: every packet is a request, and must find its pod.

Requests of one session that reach another pod are answered with 400, so that none of those says
that stickiness holds. The gates are the usual ones.
"""

from typing import Final

from loadtests.swarm.cast import Layout
from loadtests.swarm.scenario import Scenario
from loadtests.swarm.user import ChatUser

SCENARIO: Final = Scenario(
    name="polling",
    layout=Layout.PAIRS,
    users=1_000,
    spawn_rate=50,
    hold_seconds=60,
    message_rate=100,
    polling=True,
)


class PollingUser(ChatUser):
    """Somebody of this scenario."""

    scenario = SCENARIO
