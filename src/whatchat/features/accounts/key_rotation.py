"""Keys that change while a pod runs."""

import asyncio
import logging
from time import monotonic
from typing import Final

from whatchat.domain.polling import Polling
from whatchat.features.accounts.access_tokens import AccessTokens
from whatchat.features.accounts.key_folder import KeyFolder

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 10.0
LOOK_AGAIN_SECONDS: Final = 1.0
DEADLINE_SECONDS: Final = 5.0


class KeyRotation:
    """Keeps ``tokens`` to the keys that are in the folder.

    The folder is read every :data:`LOOK_SECONDS`, off the event loop. While it cannot be used
    as a whole, the keys known stay in force; what is wrong is logged once.
    """

    def __init__(
        self, folder: KeyFolder, tokens: AccessTokens, *, seconds: float = LOOK_SECONDS
    ) -> None:
        self._folder = folder
        self._tokens = tokens
        self._polling = Polling("signing keys", self._look, seconds=seconds)
        self._turn = asyncio.Lock()
        self._looked_again = float("-inf")
        self._complaint: str | None = None

    async def start(self) -> None:
        """Begin to look."""
        await self._polling.start()

    async def stop(self) -> None:
        """Look no more."""
        await self._polling.stop()

    async def look_again(self) -> None:
        """Look now, for a key that another pod may have learnt of already.

        Those who ask at the same time share one look, and there is at most one each
        :data:`LOOK_AGAIN_SECONDS`: invented names of keys cost no more than that.
        """
        async with self._turn:
            now = monotonic()
            if now - self._looked_again >= LOOK_AGAIN_SECONDS:
                self._looked_again = now
                await self._read()

    async def _look(self) -> None:
        async with self._turn:
            await self._read()

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                self._tokens.use(await asyncio.to_thread(self._folder.read))
        except (ValueError, TimeoutError) as error:
            complaint = str(error) or "token keys: the folder cannot be read in time"
            if complaint != self._complaint:
                log.error("%s; the keys known stay in force", complaint)  # noqa: TRY400
            self._complaint = complaint
        else:
            self._complaint = None
