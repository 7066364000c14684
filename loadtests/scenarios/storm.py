"""Everybody drops the connection at once and comes back.

In the middle of the hold all TCP connections are aborted at the same moment. What is due while its
sender or a hearer is away counts from then on, and everybody's return takes all cores: the bounds
on latency are those of the seconds that a return may take. Nothing may be lost or doubled all the
same.
"""

from typing import Final

from loadtests.swarm.cast import Layout
from loadtests.swarm.scenario import Gates, Scenario
from loadtests.swarm.user import ChatUser

SCENARIO: Final = Scenario(
    name="storm",
    layout=Layout.PAIRS,
    users=5_000,
    spawn_rate=150,
    hold_seconds=90,
    message_rate=100,
    disturbance="storm",
    gates=Gates(delivery_mean=3_000.0, delivery_p99=30_000.0),
)


class StormUser(ChatUser):
    """Somebody of this scenario."""

    scenario = SCENARIO
