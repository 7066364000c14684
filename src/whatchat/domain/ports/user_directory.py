"""Who people are, for showing them."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec import Struct

from whatchat.domain.ids import UserId
from whatchat.domain.models import User, Visibility


class Privacy(Struct, frozen=True, kw_only=True):
    """What a person lets others know: see the account's settings of these names."""

    presence: Visibility
    read_receipts: bool


class UserDirectory(Protocol):
    """Looks people up by id, from a cache of bounded size and age."""

    async def users(self, user_ids: Iterable[UserId]) -> Mapping[UserId, User]:
        """The people with these ids; unknown ones are absent."""
        ...

    async def user(self, user_id: UserId) -> User:
        """One person; a placeholder named ``deleted`` if there is no such account."""
        ...

    async def privacy(self, user_ids: Iterable[UserId]) -> Mapping[UserId, Privacy]:
        """What these people let others know; unknown ones are absent."""
        ...

    def forget(self, user_id: UserId) -> None:
        """Look this person up afresh next time."""
        ...
