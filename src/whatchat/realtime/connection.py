"""One client: who it is, and what may be sent to it."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from whatchat.domain.actor import Actor
from whatchat.domain.contract import Event
from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import RoomId, SessionId
from whatchat.domain.signals import SessionClosing, SessionResync
from whatchat.realtime.codec import frame_of
from whatchat.realtime.frame import Frame, plain_frame
from whatchat.realtime.link import Closing, Link

if TYPE_CHECKING:
    from whatchat.realtime.interpreter import Interpreter

VOLATILE_BYTES: Final = 64 * 1024
"""With so much unread, what is volatile is no longer sent."""

MAX_HELD: Final = 1_000
MAX_BEGUN: Final = 64
"""So many commands of one client go on by themselves; the next one waits for all of them."""

_DISCONNECT: Final = plain_frame("41")


class _Held(NamedTuple):
    frame: Frame
    room_id: RoomId | None
    rev: int


class Connection:
    """A client's socket, warming until it has been greeted.

    Nothing reaches a warming socket: what comes is held and delivered behind the greeting.
    A socket that reads slowly misses volatile events first, before its link closes it.
    ``live`` is its link while :meth:`deliver` would do nothing but write to that;
    ``interpreter`` is there if the client speaks a dialect.
    """

    __slots__ = (
        "__weakref__",
        "_begun",
        "_floors",
        "_held",
        "_link",
        "_overflowed",
        "actor",
        "closing",
        "interpreter",
        "live",
        "session_id",
    )

    def __init__(self, actor: Actor, link: Link, interpreter: "Interpreter | None" = None) -> None:
        if actor.session_id is None:
            raise Unauthenticated
        self.actor = actor
        self.session_id: SessionId = actor.session_id
        self.closing: Closing | None = None
        self.live: Link | None = None
        self.interpreter = interpreter
        self._link = link
        self._begun: set[asyncio.Future[None]] | None = None
        self._held: list[_Held] | None = []
        self._overflowed = False
        self._floors: dict[RoomId, int] | None = None

    @property
    def transport(self) -> str:
        return self._link.transport

    @property
    def opened_at(self) -> float:
        """When its transport was opened, by the ``monotonic`` clock."""
        return self._link.opened_at

    @property
    def is_warming(self) -> bool:
        """Whether it has not been greeted yet."""
        return self._held is not None

    @property
    def round_trip(self) -> float | None:
        """Seconds from the last ping to its answer; ``None`` before the first."""
        return self._link.round_trip

    @property
    def congested(self) -> bool:
        """Whether what is sent has to wait for the network."""
        return self._link.congested

    @property
    def buffered(self) -> int:
        """Bytes sent and not yet taken by the network."""
        return self._link.buffered

    def deliver(
        self,
        frame: Frame,
        room_id: RoomId | None = None,
        rev: int = 0,
        *,
        volatile: bool = False,
    ) -> bool:
        """Send an event; of a room's, only what is above the rev that the greeting told.

        A ``volatile`` one is worth something only at once: it is dropped where it would
        have to wait, which is false.
        """
        if self._held is not None:
            if not volatile:
                self._hold(_Held(frame, room_id, rev))
        elif volatile and self._link.congested and self._link.buffered > VOLATILE_BYTES:
            return False
        elif not self._floors or room_id is None or self._is_above_floor(room_id, rev):
            self._link.write(frame)
        return True

    def tell(self, event: Event) -> None:
        """Send an event that is for this connection alone."""
        self.deliver(frame_of(event))

    def send(self, frame: Frame) -> None:
        """Send now, also to a socket that is still warming."""
        self._link.write(frame)

    def greet(self, greeting: Event, told: Mapping[RoomId, int], behind: set[RoomId]) -> None:
        """Send the first event, then what was held above the revs that it ``told``.

        Rooms in ``behind`` have yet to deliver revs that the greeting told already.
        """
        held, self._held = self._held or [], None
        self._floors = {room_id: told[room_id] for room_id in behind} or None
        self.send(frame_of(greeting))
        for item in held:
            if item.room_id is None or not item.rev or item.rev > told.get(item.room_id, 0):
                self.send(item.frame)
        self._go_live()
        if self._overflowed:
            self.tell(SessionResync(reason="overflow"))

    @property
    def may_begin(self) -> bool:
        """Whether fewer than :data:`MAX_BEGUN` commands are under way."""
        return self._begun is None or len(self._begun) < MAX_BEGUN

    def begin(self, command: "asyncio.Future[None]") -> None:
        """Note a command that goes on by itself: :meth:`settled` waits for its outcome."""
        if self._begun is None:
            self._begun = set()
        self._begun.add(command)
        command.add_done_callback(self._end)

    async def settled(self) -> None:
        """Return once whatever was begun has its outcome."""
        while self._begun:
            await asyncio.wait(self._begun)

    def forget(self, room_id: RoomId) -> None:
        """Deliver nothing that is held of a room that the user is no longer in."""
        if self._floors:
            self._floors.pop(room_id, None)
            self._go_live()
        if self._held is not None:
            self._held = [item for item in self._held if item.room_id != room_id]

    def close(self, closing: Closing) -> None:
        """Say so, then close; of several reasons the first counts."""
        if self.closing is not None:
            return
        self.closing = closing
        if self._held is None:
            self._link.write(frame_of(SessionClosing(code=closing.code, resume=closing.resume)))
            if not closing.resume:
                self._link.write(_DISCONNECT)
        self._link.shut(closing)

    def _end(self, command: "asyncio.Future[None]") -> None:
        if self._begun is not None:
            self._begun.discard(command)
            self._begun = self._begun or None

    def _hold(self, item: _Held) -> None:
        if self._held is None or self._overflowed:
            return
        if len(self._held) == MAX_HELD:
            self._overflowed = True
        else:
            self._held.append(item)

    def _go_live(self) -> None:
        if self._held is None and not self._floors:
            self.live = self._link

    def _is_above_floor(self, room_id: RoomId, rev: int) -> bool:
        floor = self._floors.get(room_id) if self._floors and rev else None
        if floor is None:
            return True
        if self._floors and rev >= floor:
            del self._floors[room_id]
            self._go_live()
        return rev > floor
