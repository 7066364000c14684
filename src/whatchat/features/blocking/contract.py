"""What people may ask about blocks, and what they are answered."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from whatchat.domain.contract import Command
from whatchat.domain.ids import UserIdField
from whatchat.domain.models import User, View

Cursor = Annotated[str, Meta(pattern=r"^[0-9]{1,13}\.[A-Za-z0-9_-]{1,32}\Z")]
PageLimit = Annotated[int, Meta(ge=1, le=500)]


class BlockUser(Command, frozen=True, kw_only=True):
    """Want nothing more of somebody, who is not told."""

    user_id: UserIdField


class UnblockUser(Command, frozen=True, kw_only=True):
    """Hear of somebody again, from now on; what was hidden stays so."""

    user_id: UserIdField


class ListBlocks(Command, frozen=True, kw_only=True):
    """Those whom the caller blocks, the latest first."""

    after: Cursor | UnsetType = UNSET
    limit: PageLimit = 100


class BlockedPage(View, frozen=True, kw_only=True):
    """People who are blocked; ``next`` is there while more follow."""

    users: list[User]
    next: str | UnsetType = UNSET
