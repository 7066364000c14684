"""People, their devices and their sign-ins."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.domain.models import Visibility


class Account(Struct, frozen=True, kw_only=True):
    """A person's account; ``password_hash`` is an Argon2id string.

    It is empty for who signs in elsewhere: no password is right.

    Whoever is banned is so since ``banned_at`` by the store's time, for ``ban_reason``.
    """

    user_id: UserId
    username: str
    display_name: str
    password_hash: str
    created_at: datetime
    presence: Visibility = "contacts"
    read_receipts: bool = True
    banned_at: datetime | None = None
    ban_reason: str | None = None


class DeviceRecord(Struct, frozen=True, kw_only=True):
    """A device that a user signed in on, now or earlier."""

    device_id: DeviceId
    user_id: UserId
    name: str
    created_at: datetime
    last_seen_at: datetime


class Grant(Struct, frozen=True, kw_only=True):
    """One sign-in on a device, as access tokens name it.

    It lasts until ``expires_at`` unless its refresh token, known by its SHA-256 alone, is
    exchanged for a successor before.
    """

    grant_id: GrantId
    token_hash: bytes
    expires_at: datetime


Kept = Literal["begun", "prolonged", "ended"]
"""How somebody else's sign-in stands: new here, in force as before, or over for ever."""


class Rotation(Struct, frozen=True, kw_only=True):
    """What presenting a refresh token led to.

    ``rotated``: the successor is in force since ``at``. ``repeated``: it was rotated at
    ``at`` with the same nonce, not longer ago than the grace; nothing changed. ``reused``:
    any other second use; the grant has been revoked. ``unknown``: no such grant is in
    force. ``device`` is there for all but the last, ``at`` for the first two.
    """

    verdict: Literal["rotated", "repeated", "reused", "unknown"]
    device: DeviceRecord | None = None
    at: datetime | None = None


class Revoked(Struct, frozen=True, kw_only=True):
    """The grants revoked since some moment, and the store's time at which that was read."""

    grant_ids: tuple[GrantId, ...]
    read_at: datetime


class AccountChange(Struct, frozen=True, kw_only=True):
    """Somebody's profile or settings as changed last, at ``changed_at`` by the store's time."""

    user_id: UserId
    changed_at: datetime


class ChangedAccounts(Struct, frozen=True, kw_only=True):
    """Whose accounts changed since some moment, and the store's time at which that was read."""

    changes: tuple[AccountChange, ...]
    read_at: datetime


class Exclusion(Struct, frozen=True, kw_only=True):
    """How somebody stood after a ban was made or lifted, or every sign-in was ended.

    All that signed the user in at or before ``signed_out_at`` is void, whoever issued it.
    Times are the store's; ``changed_at`` is the latest of these events, and of two changes of
    one account the later has the later one.
    """

    user_id: UserId
    is_banned: bool
    signed_out_at: datetime
    changed_at: datetime

    def voids(self, issued_at: float | None) -> bool:
        """Whether a sign-in that an issuer confirmed then, in seconds since 1970, is void.

        One of our own, ``None``, ends with its grant, unless nobody may be signed in at all.
        """
        return self.is_banned or (
            issued_at is not None and issued_at <= self.signed_out_at.timestamp()
        )


class ExcludedAccounts(Struct, frozen=True, kw_only=True):
    """Whose exclusion changed since some moment, and the store's time at which that was read."""

    changes: tuple[Exclusion, ...]
    read_at: datetime


class SignedOut(Struct, frozen=True, kw_only=True):
    """Somebody's exclusion as it is now, and the grants that have just ended by it."""

    exclusion: Exclusion
    grant_ids: tuple[GrantId, ...]


class AccountStore(Protocol):
    """Keeps accounts, devices and sign-ins.

    Guarantees: every method is atomic and durable on return; a device has at most one
    grant in force, and a grant that has ended never comes back. Arguments called ``now``
    are the caller's time, revocations carry the store's own. Whoever is banned has no grant
    in force. Every method raises ``Unavailable`` when the store is down, full or late.
    """

    async def add(self, account: Account) -> bool:
        """Create an account; false, and nothing done, if its username or its id is taken."""
        ...

    async def by_username(self, username: str) -> Account | None:
        """The account of exactly that name."""
        ...

    async def by_ids(self, user_ids: Sequence[UserId]) -> Mapping[UserId, Account]:
        """The accounts with these ids; unknown ones are absent."""
        ...

    async def search(self, query: str, *, limit: int) -> list[Account]:
        """Accounts whose username begins with, or whose display name contains, ``query``.

        Case folded, no character is special; by username.
        """
        ...

    async def update(
        self,
        user_id: UserId,
        *,
        display_name: str | None = None,
        presence: Visibility | None = None,
        read_receipts: bool | None = None,
    ) -> Account:
        """Change what is given and return the account; ``NotFound`` if there is none."""
        ...

    async def changed_since(self, moment: datetime | None) -> ChangedAccounts:
        """The latest :meth:`update` of each account, if it was at or after ``moment``.

        Of ``None``, none. In the order of their times. A change is found for two hours at
        least. It may show up a little after the time that the store gave it: ask with an
        overlap of ten seconds.
        """
        ...

    async def rehash(self, user_id: UserId, *, expected: str, password_hash: str) -> bool:
        """Replace the password's hash; false, and nothing done, if it is not ``expected``."""
        ...

    async def change_password(
        self, user_id: UserId, *, expected: str, password_hash: str, keep: DeviceId
    ) -> list[GrantId] | None:
        """Replace the password's hash and sign out every device but ``keep``.

        Returns the grants that ended by it; ``None``, and nothing done, if the hash is
        not ``expected``.
        """
        ...

    async def sign_in(self, device: DeviceRecord, grant: Grant) -> GrantId | None:
        """Put ``grant`` in force on the user's device, known before or new.

        Returns the device's earlier grant, which is revoked, if it had one. The user's
        devices that have none in force and were not seen for 90 days may be forgotten.
        Raises ``Unauthenticated``, and does nothing, if the user is banned.
        """
        ...

    async def keep_signed_in(self, device: DeviceRecord, grant: Grant) -> Kept:
        """Put ``grant`` in force on a device that never has another, or prolong it there.

        Of any number at once, one is told ``begun``. ``ended``, and nothing done, once it was
        signed out. Raises ``Unauthenticated``, and does nothing, if the user is banned. For
        sign-ins that others than this store began.
        """
        ...

    async def device(self, user_id: UserId, device_id: DeviceId) -> DeviceRecord | None:
        """A device of this user, signed in or out; ``None`` for another's."""
        ...

    async def devices(self, user_id: UserId, *, now: datetime) -> list[DeviceRecord]:
        """The user's devices with a grant in force, latest seen first."""
        ...

    async def rotate(
        self,
        token_hash: bytes,
        *,
        nonce_hash: bytes,
        successor: Grant,
        now: datetime,
        grace_seconds: int,
    ) -> Rotation:
        """Exchange the refresh token of ``successor``'s grant for it: see :class:`Rotation`.

        ``token_hash`` must be of a token that was issued for this grant: one that is
        neither the current one nor a repetition counts as reused.
        """
        ...

    async def sign_out(self, user_id: UserId, device_ids: Sequence[DeviceId]) -> list[GrantId]:
        """End these devices' grants and return them; devices without one are passed over."""
        ...

    async def revoked_since(self, moment: datetime | None) -> Revoked:
        """Grants revoked at or after ``moment`` by the store's time, or all it still knows.

        Revocations are kept for two hours at least.
        """
        ...

    async def sign_out_everywhere(self, user_id: UserId) -> SignedOut:
        """End all of the user's grants; ``NotFound`` if there is no such account."""
        ...

    async def ban(self, user_id: UserId, *, reason: str | None = None) -> SignedOut:
        """Bar the user and end all grants, as one; ``NotFound`` if there is no such account.

        A ban that is in force stays as it is, its time and reason included.
        """
        ...

    async def unban(self, user_id: UserId) -> Exclusion | None:
        """Lift the ban; ``None``, and nothing done, without one. ``NotFound`` as above.

        What was signed out stays so.
        """
        ...

    async def excluded_since(self, moment: datetime | None) -> ExcludedAccounts:
        """The latest exclusion of each account, if it changed at or after ``moment``.

        Of ``None``, all there are. In the order of their times. It may show up a little after
        the time that the store gave it: ask with an overlap of ten seconds.
        """
        ...
