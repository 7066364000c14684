"""What is done about somebody's access as a whole."""

from typing import Protocol

from whatchat.domain.audit import Party
from whatchat.domain.ids import UserId


class Moderation(Protocol):
    """Ends and bars access; in force on every pod within two seconds, sockets included.

    Every method is recorded in the audit log as done by ``by``, is harmless if repeated, and
    raises ``NotFound`` if there is no such account.
    """

    async def sign_out(self, user_id: UserId, *, by: Party) -> int:
        """End every sign-in of the user; says how many there were."""
        ...

    async def ban(self, user_id: UserId, *, by: Party, reason: str | None = None) -> None:
        """End every sign-in and refuse new ones, of whatever issuer."""
        ...

    async def unban(self, user_id: UserId, *, by: Party) -> None:
        """Let the user sign in again."""
        ...
