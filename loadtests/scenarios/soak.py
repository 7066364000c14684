"""People talk for hours.

At a low rate, long enough for tokens to run out and for leaks to show. The gates are the usual
ones.
"""

from typing import Final

from loadtests.swarm.cast import Layout
from loadtests.swarm.scenario import Scenario
from loadtests.swarm.user import ChatUser

SCENARIO: Final = Scenario(
    name="soak",
    layout=Layout.ZIPF,
    users=2_000,
    spawn_rate=50,
    hold_seconds=14_400,
    message_rate=20,
    lively=True,
)


class SoakUser(ChatUser):
    """Somebody of this scenario."""

    scenario = SCENARIO
