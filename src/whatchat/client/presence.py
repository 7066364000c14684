"""Asking the server who is online."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec

from whatchat.client.http import fields
from whatchat.client.views import People, PersonStatus
from whatchat.domain.ids import UserId

Ask = Callable[[str, object, Callable[[Any], Sequence[PersonStatus]]], Awaitable[Any]]


class Presence:
    """Statuses as the server tells them; changes come as ``StatusChanged`` events.

    A watch lasts as long as the connection: watch again after each ``SessionReady``. Those
    with whom one shares a direct room are told of without watching.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask: Final = ask

    async def of(self, user_ids: Sequence[UserId]) -> Sequence[PersonStatus]:
        """How things stand with up to 500 people; of whom one may not see, "offline"."""
        return await self._asked("presence:get", user_ids)

    async def watch(self, user_ids: Sequence[UserId]) -> Sequence[PersonStatus]:
        """The same, and be told of changes over this connection."""
        return await self._asked("presence:watch", user_ids)

    async def unwatch(self, user_ids: Sequence[UserId]) -> Sequence[PersonStatus]:
        """The same, and be told no more."""
        return await self._asked("presence:unwatch", user_ids)

    async def _asked(self, event: str, user_ids: Sequence[UserId]) -> Sequence[PersonStatus]:
        found: Sequence[PersonStatus] = await self._ask(event, fields(userIds=user_ids), _people)
        return found


def _people(data: Any) -> Sequence[PersonStatus]:
    return msgspec.convert(data, People).users
