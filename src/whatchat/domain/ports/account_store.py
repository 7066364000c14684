"""People, their devices and their sign-ins."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.domain.models import Visibility


class Account(Struct, frozen=True, kw_only=True):
    """A person's account; ``password_hash`` is an Argon2id string."""

    user_id: UserId
    username: str
    display_name: str
    password_hash: str
    created_at: datetime
    presence: Visibility = "contacts"
    read_receipts: bool = True


class DeviceRecord(Struct, frozen=True, kw_only=True):
    """A signed-in device; ``grant_id`` is its current sign-in."""

    device_id: DeviceId
    user_id: UserId
    grant_id: GrantId
    name: str
    created_at: datetime
    last_seen_at: datetime


class RefreshToken(Struct, frozen=True, kw_only=True):
    """An opaque refresh token, known by its SHA-256 alone."""

    token_hash: bytes
    user_id: UserId
    device_id: DeviceId
    grant_id: GrantId
    expires_at: datetime


class Rotation(Struct, frozen=True, kw_only=True):
    """What presenting a refresh token led to.

    ``rotated``: the successor is in force since ``at``. ``repeated``: it was rotated at
    ``at`` with the same nonce, not longer ago than the grace; nothing changed. ``reused``:
    any other second use; the grant is revoked. ``unknown``: no such token in force.
    """

    verdict: Literal["rotated", "repeated", "reused", "unknown"]
    token: RefreshToken | None = None
    at: datetime | None = None


class AccountStore(Protocol):
    """Keeps accounts, devices and refresh tokens. Raises ``Unavailable`` when down or late."""

    async def add(self, account: Account) -> bool:
        """Create an account; false, and nothing done, if its username is taken."""
        ...

    async def by_username(self, username: str) -> Account | None:
        """The account of that name."""
        ...

    async def by_ids(self, user_ids: Sequence[UserId]) -> Mapping[UserId, Account]:
        """The accounts with these ids; unknown ones are absent."""
        ...

    async def search(self, query: str, *, limit: int) -> list[Account]:
        """Accounts whose username begins with, or whose display name contains, ``query``.

        Case folded; by username.
        """
        ...

    async def update(
        self,
        user_id: UserId,
        *,
        display_name: str | None = None,
        presence: Visibility | None = None,
        read_receipts: bool | None = None,
        password_hash: str | None = None,
    ) -> Account:
        """Change what is given and return the account; ``NotFound`` if there is none."""
        ...

    async def sign_in(self, device: DeviceRecord, token: RefreshToken) -> None:
        """Add or take over a device with a new grant; its earlier grant is revoked."""
        ...

    async def devices(self, user_id: UserId) -> list[DeviceRecord]:
        """The user's signed-in devices, latest seen first."""
        ...

    async def rotate(
        self,
        token_hash: bytes,
        *,
        nonce_hash: bytes,
        successor_hash: bytes,
        now: datetime,
        grace_seconds: int,
        lifetime_seconds: int,
    ) -> Rotation:
        """Exchange a refresh token for its successor, atomically; see :class:`Rotation`."""
        ...

    async def sign_out(
        self, user_id: UserId, device_ids: Sequence[DeviceId], *, now: datetime
    ) -> list[GrantId]:
        """End these devices' sign-ins: no refresh any more, and the grants are revoked."""
        ...

    async def revoked_since(self, moment: datetime) -> list[tuple[GrantId, datetime]]:
        """Grants revoked at or after ``moment``, by the store's time, oldest first."""
        ...
