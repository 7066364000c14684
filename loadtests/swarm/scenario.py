"""What a scenario is: who comes, what they do, what is done to them, and what must hold."""

from typing import Literal

import msgspec
from msgspec import Struct

from loadtests.swarm.cast import Layout

Disturbance = Literal["nothing", "storm", "rollout", "failover"]
"""What happens in the middle: everybody drops and comes back at once, all pods are replaced, or
Redis' master dies."""


class Gates(Struct, frozen=True, kw_only=True):
    """Bounds within which a run has to end; times in milliseconds.

    ``connect_success`` is the share of attempts to connect, and to come back, and of the people
    who are there in the end; no more than the rest of them may lose their connection where nothing
    is disturbed. ``ack_success`` is that of commands, and of the messages that were due. What is
    due while people begin to talk has a bound of its own, also where something is disturbed later.
    Lost, duplicated and answered with a 400 may be nothing at all, whatever the scenario.
    """

    connect_success: float = 0.999
    ack_success: float = 0.999
    connect_p99: float = 2_000.0
    delivery_mean: float = 50.0
    delivery_p99: float = 250.0
    warming_p99: float = 2_000.0


class Scenario(Struct, frozen=True, kw_only=True):
    """A scenario by its usual size; whoever runs it may say otherwise.

    ``users`` come at ``spawn_rate`` a second, then talk for ``hold_seconds``: ``message_rate``
    messages a second, all together. For ``warm_seconds`` before that the rate rises evenly from
    nothing: so rooms that nobody has touched are read as in a day's morning, not all in a second.
    What is said then is in the ledger as all else; how long it took is judged by itself. ``lively``
    people also type before they write, acknowledge what they hear, and look who is there.
    ``polling`` people never use a WebSocket.
    """

    name: str
    layout: Layout
    users: int
    spawn_rate: float
    hold_seconds: float
    message_rate: float
    warm_seconds: float = 20.0
    lively: bool = False
    polling: bool = False
    disturbance: Disturbance = "nothing"
    gates: Gates = Gates()

    @property
    def sends_away(self) -> bool:
        """Whether everybody has to come back once."""
        return self.disturbance in ("storm", "rollout")

    @property
    def is_done_to_servers(self) -> bool:
        """Whether somebody has to disturb the servers; a storm is people's own doing."""
        return self.disturbance in ("rollout", "failover")

    @property
    def sockets_each(self) -> int:
        """How many connections a person holds: who polls has one to hear by and one to speak."""
        return 2 if self.polling else 1


def sized(
    found: Scenario,
    *,
    users: int | None = None,
    spawn_rate: float | None = None,
    warm: float | None = None,
    hold: float | None = None,
    message_rate: float | None = None,
) -> Scenario:
    """The same with other figures; its messages and its ramp are in proportion to its users."""
    users = users or found.users
    part = users / found.users
    return msgspec.structs.replace(
        found,
        users=users,
        spawn_rate=spawn_rate or found.spawn_rate,
        warm_seconds=found.warm_seconds if warm is None else warm,
        hold_seconds=found.hold_seconds if hold is None else hold,
        message_rate=found.message_rate * part if message_rate is None else message_rate,
    )
