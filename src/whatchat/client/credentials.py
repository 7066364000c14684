"""Who the client is signed in as."""

import asyncio
from typing import Final

from whatchat.client.auth import refresh
from whatchat.client.backoff import Backoff
from whatchat.client.http import Http
from whatchat.client.views import Tokens
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import random_id

ATTEMPTS: Final = 4


class Credentials:
    """The current pair of tokens. One renewal at a time serves everybody who waits for it.

    A renewal whose answer was lost is repeated with the same nonce, for which the server
    gives the same pair, so that it does not count as a theft.
    """

    def __init__(self, http: Http, tokens: Tokens) -> None:
        self._http = http
        self._tokens = tokens
        self._lock = asyncio.Lock()

    @property
    def token(self) -> str:
        """The access token."""
        return self._tokens.access_token

    async def renew(self, stale: str) -> None:
        """Replace the access token ``stale``, unless somebody just did.

        Raises ``Unauthenticated`` once the sign-in has ended.
        """
        async with self._lock:
            if self.token == stale:
                self._tokens = await self._refreshed()

    async def _refreshed(self) -> Tokens:
        backoff = Backoff(first=0.2, most=2)
        token, nonce = self._tokens.refresh_token, random_id()
        for _ in range(ATTEMPTS - 1):
            try:
                return await refresh(self._http, token, nonce)
            except Unavailable:
                await asyncio.sleep(backoff.next())
        return await refresh(self._http, token, nonce)
