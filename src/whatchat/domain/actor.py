"""Who is asking."""

from typing import Literal

from msgspec import Struct

from whatchat.domain.ids import DeviceId, GrantId, SessionId, UserId


class Visitor(Struct, frozen=True, kw_only=True):
    """Somebody not signed in, known by network address alone."""

    address: str


Scope = Literal["read", "write"]
"""What an operator's token is good for; whoever may write may read."""


class Operator(Struct, frozen=True, kw_only=True):
    """Somebody who runs the server, known by a token of the server's own."""

    address: str
    scope: Scope


class Actor(Struct, frozen=True, kw_only=True):
    """A signed-in user on one device.

    ``grant_id`` is the sign-in that the token stems from, ``session_id`` the live
    socket that the command came over (``None`` over REST), and ``expires_at`` the
    token's end in seconds since 1970. ``issued_at`` is when another issuer made it,
    likewise; ``None`` of a token of our own, whose sign-in alone says whether it counts.
    """

    user_id: UserId
    device_id: DeviceId
    grant_id: GrantId
    expires_at: int
    address: str
    session_id: SessionId | None = None
    issued_at: float | None = None


Caller = Actor | Visitor | Operator
