"""Rooms of up to 5,000 hear every word.

Few words, each to thousands: what counts is how evenly a pod writes one message to everybody. The
last hearer of a room waits for all others, so that the bounds are those of a crowd: a room of
5,000 takes a pod at 10 µs each 50 ms, and messages meet.
"""

from typing import Final

from loadtests.swarm.cast import Layout
from loadtests.swarm.scenario import Gates, Scenario
from loadtests.swarm.user import ChatUser

SCENARIO: Final = Scenario(
    name="big_room",
    layout=Layout.BIG,
    users=5_000,
    spawn_rate=150,
    hold_seconds=60,
    message_rate=2,
    gates=Gates(delivery_mean=150.0, delivery_p99=500.0),
)


class BigRoomUser(ChatUser):
    """Somebody of this scenario."""

    scenario = SCENARIO
