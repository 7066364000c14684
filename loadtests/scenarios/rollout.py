"""All pods are replaced while people talk.

Each pod drains and moves its people to others. What is due while its sender or a hearer is moving
counts from then on, so that the slowest deliveries last as long as a move: a jittered wait, a
connection and a `sync`. The mean is bounded as ever by what most of the time is like, moves
included.
"""

from typing import Final

from loadtests.swarm.cast import Layout
from loadtests.swarm.scenario import Gates, Scenario
from loadtests.swarm.user import ChatUser

SCENARIO: Final = Scenario(
    name="rollout",
    layout=Layout.PAIRS,
    users=2_000,
    spawn_rate=100,
    hold_seconds=120,
    message_rate=100,
    disturbance="rollout",
    gates=Gates(delivery_mean=500.0, delivery_p99=10_000.0),
)


class RolloutUser(ChatUser):
    """Somebody of this scenario."""

    scenario = SCENARIO
