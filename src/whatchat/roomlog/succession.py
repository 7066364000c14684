"""What a pod that died has written and may not have announced."""

import asyncio
from typing import Final

import structlog

from whatchat.domain.errors import ChatError
from whatchat.domain.ids import Rev
from whatchat.domain.ports.store import Store
from whatchat.roomlog.announcing import Announcing

log = structlog.get_logger()

POD_LEASES: Final = "pod/"
"""What the names of pods' leases begin with; the pod's own name follows."""

POLL_SECONDS: Final = 1.0
LAST_SECONDS: Final = 15
"""Of what a dead pod wrote, the entries of so long before its latest are announced again."""

SETTLING_SECONDS: Final = 30
_HEIR: Final = "heir/"


class Succession:
    """Announces again what pods wrote in their last seconds, once their leases have ended.

    One of the living does it for each of the dead. Should that one fail, another may do it at
    once; should it die, another does it within ``SETTLING_SECONDS``. Members who have heard
    it all notice nothing.
    """

    def __init__(self, store: Store, announcing: Announcing, pod: str) -> None:
        self._store = store
        self._announcing = announcing
        self._pod = pod

    async def run(self) -> None:
        """Look for the dead each second, until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                for lease in await self._store.ended_leases(POD_LEASES):
                    # A pod may wake up late, but it is not its own heir: it has kept in mind
                    # what it has yet to announce.
                    if lease != POD_LEASES + self._pod:
                        await self._settle(lease)
            except (ChatError, TimeoutError) as error:
                log.warning("a dead pod's last writes are still to be announced", error=repr(error))
            except Exception:
                log.exception("a dead pod's last writes could not be announced; trying again")

    async def _settle(self, lease: str) -> None:
        if not await self._store.acquire(_HEIR + lease, self._pod, seconds=SETTLING_SECONDS):
            return
        try:
            async with asyncio.timeout(SETTLING_SECONDS):
                await self._announce_again(lease.removeprefix(POD_LEASES))
        finally:
            # Whoever fails may be the only one who would: another tries next.
            await self._store.release(_HEIR + lease, self._pod)

    async def _announce_again(self, dead: str) -> None:
        written = await self._store.messages.last_written(dead, seconds=LAST_SECONDS)
        for room_id, first in written.items():
            await self._announcing.tell(room_id, Rev(first - 1))
        await self._store.release(POD_LEASES + dead, dead)
        log.info("a dead pod's last writes are announced", dead=dead, rooms=len(written))
