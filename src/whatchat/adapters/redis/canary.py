"""Noticing that a pod no longer hears."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

import structlog

from whatchat.domain.errors import Unavailable

log = structlog.get_logger()

SING_SECONDS: Final = 0.5
DEAF_SECONDS: Final = 5.0
WELL_AFTER: Final = 3


class Canary:
    """Sings where its own pod listens.

    While singing succeeds and nothing is heard for ``deaf_seconds`` the pod is ``deaf``:
    ``went_deaf`` is called, and again whenever that time has passed anew. It is well again
    after hearing the canary three times, or when singing fails: no pod is deaf for lack of
    a Redis.
    """

    def __init__(
        self,
        sing: Callable[[], Awaitable[object]],
        went_deaf: Callable[[], None],
        *,
        sing_seconds: float = SING_SECONDS,
        deaf_seconds: float = DEAF_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._sing = sing
        self._went_deaf = went_deaf
        self._sing_seconds = sing_seconds
        self._deaf_seconds = deaf_seconds
        self._clock = clock
        self._unheard_since: float | None = None
        self._heard_at = clock()
        self._heard_in_a_row = 0
        self.deaf = False

    @property
    def age(self) -> float:
        """Seconds since it was last heard."""
        return self._clock() - self._heard_at

    def heard(self) -> None:
        """It came back."""
        self._heard_at = self._clock()
        self._unheard_since = None
        self._heard_in_a_row += 1
        if self.deaf and self._heard_in_a_row >= WELL_AFTER:
            log.info("this pod hears again")
            self.deaf = False

    async def run(self) -> None:
        """Sing until cancelled."""
        while True:
            await self.sing_once()
            await asyncio.sleep(self._sing_seconds)

    async def sing_once(self) -> None:
        """Sing, and judge what has been heard so far."""
        if self._unheard_since is None:
            self._unheard_since = self._clock()
        if not await self._sung():
            # Nobody hears a Redis that is away, and a pod that lost it still has its store.
            self._unheard_since, self.deaf = None, False
        elif self._silence() >= self._deaf_seconds:
            self._lose_hearing()

    def _silence(self) -> float:
        """Seconds since the first song that was not heard."""
        return 0.0 if self._unheard_since is None else self._clock() - self._unheard_since

    async def _sung(self) -> bool:
        try:
            await self._sing()
        except Unavailable:
            return False
        except Exception:
            log.exception("the canary could not sing; trying again")
            return False
        return True

    def _lose_hearing(self) -> None:
        if not self.deaf:
            log.error("this pod is deaf: Redis takes what it says, and it hears nothing")
        self.deaf = True
        self._heard_in_a_row = 0
        self._unheard_since = None
        self._went_deaf()
