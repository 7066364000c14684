"""People in rooms of all sizes talk, type, read and look who is there.

An ordinary evening: each is in four or five rooms, of two to a hundred people, and each room is as
lively as any other, so that a message has eight hearers on average. The gates are the usual ones.
"""

from typing import Final

from loadtests.swarm.cast import Layout
from loadtests.swarm.scenario import Scenario
from loadtests.swarm.user import ChatUser

SCENARIO: Final = Scenario(
    name="steady",
    layout=Layout.ZIPF,
    users=5_000,
    spawn_rate=150,
    hold_seconds=120,
    message_rate=60,
    lively=True,
)


class SteadyUser(ChatUser):
    """Somebody of this scenario."""

    scenario = SCENARIO
