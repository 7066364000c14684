"""Passwords: Argon2id, off the event loop, by few threads that give way to everything else."""

import asyncio
import os
import secrets
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from argon2 import PasswordHasher as Argon2
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from whatchat.domain.errors import RateLimited, Unavailable
from whatchat.features.accounts.guessing import is_guessable

T = TypeVar("T")

MAX_WORKERS: Final = 4
MAX_WAITING: Final = 256
RETRY_AFTER_MS: Final = 2_000

_NICENESS: Final = 10


class PasswordHasher:
    """Hashes and checks passwords with OWASP's figures for Argon2id: 19 MiB, 2 passes, 1 lane.

    A flood of sign-ins cannot stall the event loop: at most ``workers`` hashes run at
    once (by default one for two cores), at a lower priority than the loop's thread, and
    at most ``waiting`` more wait; beyond that :class:`RateLimited` is raised at once. What
    judges new passwords runs there as well.
    """

    def __init__(
        self,
        *,
        memory_kib: int = 19_456,
        passes: int = 2,
        workers: int | None = None,
        waiting: int = MAX_WAITING,
    ) -> None:
        self._argon2 = Argon2(time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID)
        workers = workers or min(MAX_WORKERS, max(1, (os.cpu_count() or 1) // 2))
        self._pool = ThreadPoolExecutor(workers, "password", initializer=_give_way)
        self._limit = workers + waiting
        self._accepted = 0
        self._nobody = self._argon2.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """The password's hash, with its parameters and salt, as one string."""
        return await self._run(lambda: self._argon2.hash(_normal(password)))

    async def hash_new(self, password: str, *names: str) -> str | None:
        """The hash of a password to be; ``None`` if whoever knows the ``names`` soon guesses it."""

        def work() -> str | None:
            normal = _normal(password)
            if is_guessable(normal, *names):
                return None
            return self._argon2.hash(normal)

        return await self._run(work)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is right.

        ``None`` (no such user) and an empty hash (no password) are wrong, and take as long.
        """
        matches = await self._run(lambda: self._matches(password, password_hash or self._nobody))
        return matches and bool(password_hash)

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(password_hash)

    async def close(self) -> None:
        """Finish what was accepted and end the threads; further calls are ``Unavailable``."""
        await asyncio.to_thread(self._pool.shutdown)

    def _matches(self, password: str, password_hash: str) -> bool:
        try:
            return self._argon2.verify(password_hash, _normal(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._accepted >= self._limit:
            raise RateLimited(retry_after_ms=RETRY_AFTER_MS)
        try:
            future = self._pool.submit(work)
        except RuntimeError:
            raise Unavailable from None
        self._accepted += 1
        try:
            return await asyncio.wrap_future(future)
        finally:
            self._accepted -= 1


def _normal(password: str) -> str:
    """One form for what different keyboards send for the same password (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)


def _give_way() -> None:
    """Lower the calling thread's priority; only Linux has one for each thread."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
