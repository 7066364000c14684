"""Keeps this pod's sockets in the session registry."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import structlog

from whatchat.domain.batches import batches
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import SessionId
from whatchat.domain.ports.session_registry import Session, SessionRegistry

log = structlog.get_logger()

LEASE_SECONDS: Final = 60
RENEW_SECONDS: Final = 20.0
RETRY_SECONDS: Final = 1.0
"""After a renewal that failed: when the registry is back, it is to know soon who is there."""

RENEW_BATCH: Final = 500
AT_ONCE: Final = 100


class Leases:
    """Opens, renews and closes leases off the path of connecting.

    What the registry does not take is tried again at the next renewal, which is soon where
    renewing failed; a socket that is entered and gone before that was never there. What waits
    is one item per socket.
    """

    def __init__(
        self,
        registry: SessionRegistry,
        *,
        lease_seconds: int = LEASE_SECONDS,
        renew_seconds: float = RENEW_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._registry = registry
        self._lease_seconds = lease_seconds
        self._renew_seconds = renew_seconds
        self._retry_seconds = retry_seconds
        self._opening: dict[SessionId, Session] = {}
        self._open: dict[SessionId, Session] = {}
        self._closing: dict[SessionId, None] = {}
        self._wake = asyncio.Event()

    def enter(self, session: Session) -> None:
        """Have a socket entered soon."""
        self._opening[session.session_id] = session
        self._wake.set()

    def leave(self, session_id: SessionId) -> None:
        """Have it taken out soon."""
        if self._opening.pop(session_id, None) is None:
            self._open.pop(session_id, None)
            self._closing[session_id] = None
            self._wake.set()

    def session(self, session_id: SessionId) -> Session | None:
        """What is entered, or about to be, for a socket of this pod."""
        return self._opening.get(session_id) or self._open.get(session_id)

    async def run(self) -> None:
        """Keep the registry in step, until cancelled."""
        loop = asyncio.get_running_loop()
        renewal = loop.time() + self._renew_seconds
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(renewal):
                    await self._wake.wait()
            self._wake.clear()
            # Renewing first: what cannot be entered is no matter of those who are in.
            if loop.time() >= renewal:
                renewed = await self._attempt(self._renew)
                pause = self._renew_seconds if renewed else self._retry_seconds
                renewal = loop.time() + pause
            await self._attempt(self.settle)

    async def _attempt(self, work: Callable[[], Awaitable[None]]) -> bool:
        try:
            await work()
        except ChatError as error:
            log.warning("the session registry does not answer", error=error.text)
        except Exception:
            log.exception("leases could not be kept; trying again")
        else:
            return True
        return False

    async def settle(self) -> None:
        """Enter and take out what waits, each once; raises the first error if any failed."""
        errors: list[BaseException] = []
        for sessions in batches(list(self._opening.values()), AT_ONCE):
            errors += await _failed(map(self._enter, sessions))
        for ids in batches(list(self._closing), AT_ONCE):
            errors += await _failed(map(self._close, ids))
        if errors:
            raise errors[0]

    async def _close(self, session_id: SessionId) -> None:
        await self._registry.close(session_id)
        self._closing.pop(session_id, None)

    async def _enter(self, session: Session) -> None:
        session_id = session.session_id
        if session_id not in self._opening:
            return
        await self._registry.open(session, lease_seconds=self._lease_seconds)
        if self._opening.pop(session_id, None) is not None:
            self._open[session_id] = session
        else:
            self._closing[session_id] = None
            self._wake.set()

    async def _renew(self) -> None:
        errors: list[BaseException] = []
        for batch in batches(list(self._open), RENEW_BATCH):
            errors += await _failed([self._renew_some(batch)])
        if errors:
            raise errors[0]

    async def _renew_some(self, batch: Sequence[SessionId]) -> None:
        unknown = await self._registry.renew(batch, lease_seconds=self._lease_seconds)
        for session_id in unknown:  # the registry has lost what it knew
            if session := self._open.pop(session_id, None):
                self.enter(session)


async def _failed(work: Iterable[Awaitable[None]]) -> list[BaseException]:
    """Wait for all of it; what of it failed."""
    return [one for one in await asyncio.gather(*work, return_exceptions=True) if one]
