"""How often secrets may be tried, and be wrong."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from msgspec.structs import replace

from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.audit import Act
from whatchat.domain.errors import ChatError, Forbidden, RateLimited, Unauthenticated
from whatchat.domain.ids import DeviceId
from whatchat.domain.networks import network_of
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.domain.ports.limiter import Charge, Limiter, Quota

NAME_AND_NETWORK: Final = Quota(rate=1 / 30, burst=10)
NAME: Final = Quota(rate=1 / 10, burst=100)
NETWORK: Final = Quota(rate=1 / 2, burst=50)
OWN: Final = Quota(rate=1 / 30, burst=10)
"""Of a device that the account knows, and of somebody signed in."""

AT_ONCE: Final = 2
"""So many passwords from one network are tried at a time on each pod, and so many new ones made:
nobody keeps the threads that hash to themselves. Right ones, charged only for as long as they are
being hashed, fit the quotas however many come at once."""

MAX_WAITING: Final = 256
LONGEST_WAIT_SECONDS: Final = 8.5
"""A little less than a command may take: who is cut off while hashing had no use of it."""

RETRY_AFTER_MS: Final = 2_000


class PasswordAttempts:
    """Charges wrong passwords; ``limiter`` of ``None``: no limits.

    What an attempt may cost is charged before anything is hashed, and given back unless the
    password is wrong. Names that nobody has are charged like any other. A device that the
    account knows is charged on its own: nobody else can use up its attempts (OWASP calls
    that a device cookie).
    """

    def __init__(self, limiter: Limiter | None, trail: AuditTrail) -> None:
        self._limiter = limiter
        self._trail = trail
        self._turns = _Turns()

    @asynccontextmanager
    async def of_sign_in(
        self, visitor: Visitor, username: str, known_device: DeviceId | None
    ) -> AsyncIterator[None]:
        """Try a password inside. Raises ``RateLimited`` before, if too many were wrong."""
        network, name = network_of(visitor.address), _digest(username)
        charges = [_charge(f"network:{network}", NETWORK), _charge(f"name:{name}", NAME)]
        charges.append(_charge(f"name:{name}:{network}", NAME_AND_NETWORK))
        if known_device:
            charges = [_charge(f"device:{name}:{known_device}", OWN)]
        async with self._reserved(visitor, f"network:{network}", charges):
            yield

    @asynccontextmanager
    async def of_change(self, actor: Actor) -> AsyncIterator[None]:
        """The same for the current password of somebody signed in."""
        network, charge = network_of(actor.address), _charge(f"user:{actor.user_id}", OWN)
        async with self._reserved(actor, f"network:{network}", [charge]):
            yield

    @asynccontextmanager
    async def of_new(self, who: Actor | Visitor) -> AsyncIterator[None]:
        """Make a new password inside; ``RateLimited`` if too many of a network wait for that."""
        if self._limiter is None:
            yield
            return
        async with self._turns.of(f"new:{network_of(who.address)}"):
            yield

    @asynccontextmanager
    async def _reserved(
        self, who: Actor | Visitor, turn: str, charges: Sequence[Charge]
    ) -> AsyncIterator[None]:
        """Inside, ``Unauthenticated`` and ``Forbidden`` say that the password is wrong."""
        if self._limiter is None:
            yield
            return
        async with self._turns.of(turn):
            if wait := await self._limiter.charge(charges):
                act = Act(kind="limit.hit", outcome=RateLimited.code, detail="wrong_password")
                self._trail.mention(who, act)
                raise RateLimited(retry_after_ms=wait)
            given_back = [replace(charge, cost=-1) for charge in charges]
            try:
                yield
            except (Unauthenticated, Forbidden):
                raise
            except ChatError:
                await self._limiter.charge(given_back)
                raise
            # Not given back to whoever goes before the answer is there.
            await self._limiter.charge(given_back)


@dataclass(slots=True)
class _Line:
    semaphore: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    people: int = 0


class _Turns:
    """Lets ``AT_ONCE`` at a time pass for each key, in the order of coming."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    @asynccontextmanager
    async def of(self, key: str) -> AsyncIterator[None]:
        """Wait for one's turn; ``RateLimited`` if too many do, or for too long."""
        line = self._lines.setdefault(key, _Line())
        if line.people >= AT_ONCE + MAX_WAITING:
            raise RateLimited(retry_after_ms=RETRY_AFTER_MS)
        line.people += 1
        try:
            await _acquire(line.semaphore)
            try:
                yield
            finally:
                line.semaphore.release()
        finally:
            line.people -= 1
            if not line.people:
                del self._lines[key]


async def _acquire(semaphore: asyncio.Semaphore) -> None:
    try:
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            await semaphore.acquire()
    except TimeoutError:
        raise RateLimited(retry_after_ms=RETRY_AFTER_MS) from None


def _charge(key: str, quota: Quota) -> Charge:
    return Charge(key=f"wrong_password:{key}", quota=quota)


def _digest(username: str) -> str:
    """A name as limits know it: some people type their password there."""
    return blake2b(username.encode(), digest_size=16).hexdigest()
