"""Who a token speaks for."""

from collections.abc import Callable
from typing import Protocol

from whatchat.domain.actor import Actor
from whatchat.domain.ids import GrantId


class Authenticator(Protocol):
    """Verifies access tokens without a round trip, revoked sign-ins included."""

    def authenticate(self, token: str, address: str) -> Actor:
        """The actor behind an access token; ``Unauthenticated`` for any that is not good."""
        ...

    def when_revoked(self, notify: Callable[[GrantId], None]) -> None:
        """Name what is called, on the event loop, for each sign-in that is revoked."""
        ...
