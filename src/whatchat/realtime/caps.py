"""How much of a pod one person and one network may take."""

from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.errors import RateLimited
from whatchat.domain.networks import network_of
from whatchat.domain.ports.limiter import Charge, Quota
from whatchat.domain.rates import Rates
from whatchat.realtime.connection import Connection
from whatchat.realtime.refusals import TOO_MANY, Refusal

OnHit = Callable[[str, str, Actor | Visitor], None]
"""Hears which limit was hit, by what (device, user, network), and whose it was."""

STRIKES: Final = Quota(rate=1 / 30, burst=2)
"""A device that was closed for flooding so often has to stay away for half a minute."""


class Caps(NamedTuple):
    """What this pod takes; ``None`` is no bound.

    How many connections one network and one user may hold, how often a network may shake hands
    and a user connect, and how many commands a device may send sooner than it was told.
    """

    per_network: int | None = None
    per_user: int | None = None
    handshakes: Quota | None = None
    connects: Quota | None = None
    impatience: Quota | None = None


class Turnstile:
    """Turns away who comes too often, by this pod's memory alone: cheap, and before any work."""

    def __init__(self, caps: Caps, told: OnHit, *, clock: Callable[[], float] = monotonic) -> None:
        self._caps = caps
        self._told = told
        self._rates = Rates(clock)

    def handshake(self, address: str) -> Refusal | None:
        """Why a newcomer from an address may not shake hands now, if it may not."""
        quota = self._caps.handshakes
        if quota is None:
            return None
        wait = self._rates.take(network_of(address), quota)
        if not wait:
            return None
        self._told("handshake", "network", Visitor(address=address))
        return TOO_MANY._replace(retry_after=max(1, ceil(wait / 1000)))

    def connect(self, actor: Actor) -> None:
        """Raises ``RateLimited`` if a user connects too often."""
        quota = self._caps.connects
        if quota is not None and (wait := self._rates.take(f"user:{actor.user_id}", quota)):
            self._told("connect", "user", actor)
            raise RateLimited("too many connections", retry_after_ms=wait)


class Patience:
    """Finds those who go on although they were told to wait.

    Only what comes earlier than a client was told counts against it, and beyond a quota that
    also has room for what was on its way by then: who waits is never found. A device that
    connects anew is remembered.
    """

    def __init__(
        self, quota: Quota | None, told: OnHit, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self._quota = quota
        self._told = told
        self._clock = clock
        self._rates = Rates(clock)
        # Weak: a command's end may be told after its client is gone.
        self._until: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()

    def is_over(self, connection: Connection, retry_after_ms: int) -> bool:
        """Whether a client that is now told to wait is to be closed."""
        if self._quota is None:
            return False
        now = self._clock()
        until = self._until.get(connection, now)
        self._until[connection] = now + retry_after_ms / 1000
        name = _device(connection.actor)
        if now >= until or not self._rates.take(name, self._quota):
            return False
        self._rates.take(f"strikes:{name}", STRIKES)
        self._told("flooding", "device", connection.actor)
        return True

    def require(self, actor: Actor) -> None:
        """Raises ``RateLimited`` for a device that has to stay away."""
        if self._quota is None:
            return
        strikes = Charge(key=f"strikes:{_device(actor)}", quota=STRIKES, cost=0)
        if wait := self._rates.charge((strikes,)):
            raise RateLimited(retry_after_ms=wait)

    def forget(self, connection: Connection) -> None:
        """A client is gone."""
        self._until.pop(connection, None)


def _device(actor: Actor) -> str:
    return f"{actor.user_id}/{actor.device_id}"
