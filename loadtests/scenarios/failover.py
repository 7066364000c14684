"""Redis' master dies while people talk.

Messages are accepted without Redis, and reach those on other pods once a replica has taken over, or
when pods compare what they have: within 5 s of the return plus jitter. The bounds on latency are
those of the outage: ten seconds to notice and elect, and the repair.
"""

from typing import Final

from loadtests.swarm.cast import Layout
from loadtests.swarm.scenario import Gates, Scenario
from loadtests.swarm.user import ChatUser

SCENARIO: Final = Scenario(
    name="failover",
    layout=Layout.PAIRS,
    users=2_000,
    spawn_rate=100,
    hold_seconds=120,
    message_rate=100,
    disturbance="failover",
    gates=Gates(delivery_mean=2_500.0, delivery_p99=30_000.0),
)


class FailoverUser(ChatUser):
    """Somebody of this scenario."""

    scenario = SCENARIO
