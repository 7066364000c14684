"""Who people are, for showing them."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from whatchat.domain.ids import UserId
from whatchat.domain.models import User


class UserDirectory(Protocol):
    """Looks people up by id, from a cache of bounded size and age."""

    async def users(self, user_ids: Iterable[UserId]) -> Mapping[UserId, User]:
        """The people with these ids; unknown ones are absent."""
        ...

    async def user(self, user_id: UserId) -> User:
        """One person; a placeholder named ``deleted`` if there is no such account."""
        ...

    def forget(self, user_id: UserId) -> None:
        """Look this person up afresh next time."""
        ...
