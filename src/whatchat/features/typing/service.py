"""What people do when they type, and what others are told of it."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final, NamedTuple

import msgspec
import structlog

from whatchat.domain.access import not_a_member
from whatchat.domain.actor import Actor
from whatchat.domain.audience import Announcement, InRoom, ToUser
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.ports.blocks import Blocks
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.live_rooms import LiveRooms
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.features.typing.board import TypingBoard, Typist
from whatchat.features.typing.contract import (
    StartTyping,
    StopTyping,
    TypingStarted,
    TypingStopped,
)

DEADLINE_SECONDS: Final = 2.0

log = structlog.get_logger("whatchat.typing")


class _Voice(NamedTuple):
    """Under which name somebody is told of, and who never hears of it."""

    username: str
    without: tuple[UserId, ...]


class TypingService:
    """Tells a room's other members who types; nobody across a block, and nobody later.

    One task sees to all that ends by itself. What the
    broker does not take is lost; a stop that cannot be told, as nobody knows whom a block
    keeps from hearing it, is not told.
    """

    def __init__(
        self,
        live: LiveRooms,
        rooms: RoomStore,
        directory: UserDirectory,
        blocks: Blocks,
        broker: Broker,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._live = live
        self._rooms = rooms
        self._directory = directory
        self._blocks = blocks
        self._broker = broker
        self._clock = clock
        self._board = TypingBoard()
        self._wake = asyncio.Event()

    async def start(self, actor: Actor, command: StartTyping) -> None:
        """The actor types, for six seconds from now on unless this is said again."""
        typist, voice = await self._speaking(actor, command.room_id)
        if self._board.next_due() is None:
            self._wake.set()
        if self._board.start(typist, self._clock()):
            self._tell(TypingStarted, typist, voice)

    async def stop(self, actor: Actor, command: StopTyping) -> None:
        """The actor has stopped."""
        typist, voice = await self._speaking(actor, command.room_id)
        if self._board.stop(typist):
            self._tell(TypingStopped, typist, voice)

    def gone(self, user_id: UserId) -> None:
        """Somebody's last socket here is gone; the typing ends everywhere."""
        if self._board.end_all(user_id):
            self._wake.set()

    def hear(self, announcement: Announcement) -> None:
        """Count what rooms are told; who has written, or is out, types no longer.

        The broker calls this with all that reaches this pod.
        """
        audience, author_id = announcement.audience, announcement.author_id
        if isinstance(audience, InRoom):
            if author_id is not None:
                self._end(Typist(audience.room_id, author_id))
            elif announcement.event == TypingStarted.name:
                self._board.hear(audience.room_id, self._clock())
        elif isinstance(audience, ToUser) and audience.leaves is not None:
            self._end(Typist(audience.leaves, audience.user_id))

    async def run(self) -> None:
        """Tell what ends by itself, until cancelled."""
        while True:
            await self._until_due()
            if typists := self._board.over(self._clock()):
                try:
                    await self._tell_over(typists)
                except Exception:
                    log.exception("the end of typing could not be told")

    async def _speaking(self, actor: Actor, room_id: RoomId) -> tuple[Typist, _Voice]:
        """The actor in a room that it is a member of; afterwards nothing has to be waited for."""
        user_id = actor.user_id
        if not (
            self._live.is_member(room_id, user_id) or await self._rooms.membership(room_id, user_id)
        ):
            raise not_a_member(await self._rooms.record(room_id))
        return Typist(room_id, user_id), await self._voice(user_id)

    async def _voice(self, user_id: UserId) -> _Voice:
        around = await self._blocks.around(user_id)
        user = await self._directory.user(user_id)
        return _Voice(user.username, (user_id, *around.across))

    def _end(self, typist: Typist) -> None:
        if self._board.end(typist):
            self._wake.set()

    async def _until_due(self) -> None:
        due = self._board.next_due()
        seconds = None if due is None else max(0.0, due - self._clock())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()

    async def _tell_over(self, typists: Sequence[Typist]) -> None:
        user_ids = {typist.user_id for typist in typists}
        voices: dict[UserId, _Voice] = {}
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._blocks.around_all(user_ids)  # so that each is there at once
                for user_id in user_ids:
                    voices[user_id] = await self._voice(user_id)
        except (ChatError, TimeoutError) as error:
            log.warning("the end of typing cannot be told", error=repr(error))
        # Others have begun again meanwhile.
        ended = [one for one in typists if self._board.is_over(one) and self._board.stop(one)]
        for typist in ended:
            if voice := voices.get(typist.user_id):
                self._tell(TypingStopped, typist, voice)

    def _tell(
        self, event: type[TypingStarted | TypingStopped], typist: Typist, voice: _Voice
    ) -> None:
        room_id, user_id = typist
        made = event(room_id=room_id, user_id=user_id, username=voice.username)
        announcement = Announcement(
            audience=InRoom(room_id=room_id, without=voice.without),
            event=event.name,
            payload=msgspec.json.encode(made),
            room_id=room_id,
            volatile=True,
        )
        asyncio.ensure_future(self._broker.publish([announcement])).add_done_callback(_forget)


def _forget(published: "asyncio.Future[None]") -> None:
    """Whether it was published is nothing that anybody waits for."""
    if not published.cancelled():
        published.exception()
