"""When people were last there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from whatchat.domain.ids import UserId


class SeenStore(Protocol):
    """Keeps one moment for each person. Methods raise ``Unavailable`` when the store is."""

    async def note(self, seen: Mapping[UserId, datetime]) -> None:
        """These people were there then; a moment never goes back."""
        ...

    async def of(self, user_ids: Sequence[UserId]) -> Mapping[UserId, datetime]:
        """When these people were last there; who never was is absent."""
        ...
