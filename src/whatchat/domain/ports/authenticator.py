"""Who a token speaks for."""

from collections.abc import Callable
from typing import Protocol

from whatchat.domain.actor import Actor
from whatchat.domain.ids import GrantId


class Authenticator(Protocol):
    """Verifies access tokens; those issued here, and people met lately, without a round trip."""

    async def authenticate(self, token: str, address: str) -> Actor:
        """The actor behind an access token; ``Unauthenticated`` for any that is not good.

        Whether the sign-in is revoked is looked at last, and nothing is waited for after
        that: what the caller does before it waits itself, it does for a sign-in in force.
        """
        ...

    def when_revoked(self, notify: Callable[[GrantId], None]) -> None:
        """Name what is called, on the event loop, for each sign-in that is revoked."""
        ...
