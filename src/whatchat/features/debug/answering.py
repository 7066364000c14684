"""What a pod says when it is asked."""

from collections.abc import Sequence
from typing import assert_never

from whatchat.domain.debugging import (
    Ask,
    AskInside,
    AskMessage,
    AskRooms,
    AskSocket,
    AskSockets,
    AskTheseRooms,
)
from whatchat.domain.models import View
from whatchat.domain.ports.pod_inspection import PodInspection


class Answering:
    """Turns questions into looks at this pod."""

    def __init__(self, inspection: PodInspection) -> None:
        self._inspection = inspection

    async def __call__(self, ask: Ask) -> Sequence[View]:
        match ask:
            case AskInside():
                return [await self._inspection.inside()]
            case AskRooms():
                return await self._inspection.rooms(ask)
            case AskTheseRooms():
                return await self._inspection.these_rooms(ask.room_ids)
            case AskSockets():
                return await self._inspection.sockets(ask)
            case AskSocket():
                return _one_or_none(await self._inspection.socket(ask.socket))
            case AskMessage():
                return _one_or_none(await self._inspection.message(ask))
            case _:
                assert_never(ask)


def _one_or_none(found: View | None) -> Sequence[View]:
    return [] if found is None else [found]
