"""What all people of one process have in common."""

import random
from collections.abc import Callable, Sequence
from typing import Final

import gevent
from msgspec import Struct, field

from loadtests.swarm.cast import Cast
from loadtests.swarm.network.address import Address
from loadtests.swarm.people.crashes import guarded
from loadtests.swarm.people.delays import Deadlines, Delays
from loadtests.swarm.people.ears import Hearing
from loadtests.swarm.people.ledger import Seat
from loadtests.swarm.tally import Tally
from loadtests.swarm.timings import Deliveries, Timings
from loadtests.swarm.tokens import Tokens
from whatchat.domain.ids import UserId

ACK_SECONDS: Final = 10.0
RECEIPT_SECONDS: Final = 2.0
MATES: Final = 5


class Company(Struct, kw_only=True):
    """Where they go, by which names, in which way, and what they count together.

    ``run`` begins the ids of this run's messages; nobody else's begin so.
    """

    cast: Cast
    address: Address
    tokens: Tokens
    tally: Tally
    timings: Timings
    deliveries: Deliveries
    run: str
    is_lively: bool
    is_polling: bool
    deadlines: Deadlines = field(default_factory=lambda: Deadlines(ACK_SECONDS))
    receipts: Delays = field(default_factory=lambda: Delays(RECEIPT_SECONDS))

    @property
    def transport(self) -> str:
        """As Locust's report names it."""
        return "polling" if self.is_polling else "websocket"

    @property
    def hearing(self) -> Hearing:
        """What its ears share."""
        return Hearing(self.tally, self.deliveries, self.run)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after a while; if it raises, that is counted."""
        gevent.spawn_later(seconds, guarded(self.tally, action))

    def token(self, user_id: UserId) -> str:
        """A fresh one."""
        return self.tokens.token(user_id)

    def mates(self, seats: Sequence[Seat]) -> list[str]:
        """Some with whom somebody shares a room."""
        members = random.choice(seats).room.members if seats else ()
        some = random.sample(members, min(MATES, len(members)))
        return [self.cast.user_id(number) for number in some]
