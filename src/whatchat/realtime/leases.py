"""Keeps this pod's sockets in the session registry."""

import asyncio
import contextlib
from itertools import islice
from typing import Final

import structlog

from whatchat.domain.batches import batches
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import SessionId
from whatchat.domain.ports.session_registry import Session, SessionRegistry

log = structlog.get_logger()

LEASE_SECONDS: Final = 60
RENEW_SECONDS: Final = 20.0
RENEW_BATCH: Final = 500
AT_ONCE: Final = 100


class Leases:
    """Opens, renews and closes leases off the path of connecting.

    What the registry does not take is tried again at the next renewal; a socket that is
    entered and gone before that was never there. What waits is one item per socket.
    """

    def __init__(
        self,
        registry: SessionRegistry,
        *,
        lease_seconds: int = LEASE_SECONDS,
        renew_seconds: float = RENEW_SECONDS,
    ) -> None:
        self._registry = registry
        self._lease_seconds = lease_seconds
        self._renew_seconds = renew_seconds
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

    async def run(self) -> None:
        """Keep the registry in step, until cancelled."""
        loop = asyncio.get_running_loop()
        renewal = loop.time() + self._renew_seconds
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(renewal):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.settle()
                if loop.time() >= renewal:
                    await self._renew()
            except ChatError as error:
                log.warning("the session registry does not answer", error=error.text)
            except Exception:
                log.exception("leases could not be kept; trying again")
            if loop.time() >= renewal:
                renewal = loop.time() + self._renew_seconds
                self._wake.set()

    async def settle(self) -> None:
        """Enter and take out what waits."""
        while self._closing:
            await asyncio.gather(*map(self._close, list(islice(self._closing, AT_ONCE))))
        while self._opening:
            await asyncio.gather(*map(self._enter, list(islice(self._opening.values(), AT_ONCE))))

    async def _close(self, session_id: SessionId) -> None:
        await self._registry.close(session_id)
        self._closing.pop(session_id, None)

    async def _enter(self, session: Session) -> None:
        session_id = session.session_id
        await self._registry.open(session, lease_seconds=self._lease_seconds)
        if self._opening.pop(session_id, None) is not None:
            self._open[session_id] = session
        else:
            self._closing[session_id] = None
            self._wake.set()

    async def _renew(self) -> None:
        for batch in batches(list(self._open), RENEW_BATCH):
            unknown = await self._registry.renew(batch, lease_seconds=self._lease_seconds)
            for session_id in unknown:  # the registry has lost what it knew
                if session := self._open.pop(session_id, None):
                    self.enter(session)
