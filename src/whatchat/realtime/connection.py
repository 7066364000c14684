"""One client: who it is, and what may be sent to it."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from whatchat.domain.actor import Actor
from whatchat.domain.contract import Event
from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import RoomId, SessionId
from whatchat.domain.signals import SessionClosing, SessionResync
from whatchat.realtime.codec import Frame, frame_of, plain_frame
from whatchat.realtime.link import SLOW_CONSUMER, Closing, Link

OUTBOX_BYTES: Final = 1024 * 1024
MAX_HELD: Final = 1_000

_DISCONNECT: Final = plain_frame("41")


class _Held(NamedTuple):
    frame: Frame
    room_id: RoomId | None
    rev: int


class Connection:
    """A client's socket, warming until it has been greeted.

    Nothing reaches a warming socket: what comes is held and delivered behind the greeting.
    A socket that leaves more than ``outbox_bytes`` unread is closed.
    """

    def __init__(self, actor: Actor, link: Link, *, outbox_bytes: int = OUTBOX_BYTES) -> None:
        if actor.session_id is None:
            raise Unauthenticated
        self.actor = actor
        self.session_id: SessionId = actor.session_id
        self.closing: Closing | None = None
        self._link = link
        self._outbox_bytes = outbox_bytes
        self._held: list[_Held] | None = []
        self._overflowed = False
        self._floors: dict[RoomId, int] = {}

    @property
    def transport(self) -> str:
        return self._link.transport

    def deliver(self, frame: Frame, room_id: RoomId | None = None, rev: int = 0) -> None:
        """Send an event; of a room's, only what is above the rev that the greeting told."""
        if self._held is not None:
            self._hold(_Held(frame, room_id, rev))
        elif room_id is None or not self._floors or self._is_above_floor(room_id, rev):
            self.send(frame)

    def tell(self, event: Event) -> None:
        """Send an event that is for this connection alone."""
        self.deliver(frame_of(event))

    def send(self, frame: Frame) -> None:
        """Send now, whatever the state; a client that does not read is closed instead."""
        if self.closing is not None:
            return
        if self._link.buffered + frame.size > self._outbox_bytes:
            self._link.discard()
            self.close(SLOW_CONSUMER)
        else:
            self._link.write(frame)

    def greet(self, greeting: Event, told: Mapping[RoomId, int], behind: set[RoomId]) -> None:
        """Send the first event, then what was held above the revs that it ``told``.

        Rooms in ``behind`` have yet to deliver revs that the greeting told already.
        """
        held, self._held = self._held or [], None
        self._floors = {room_id: told[room_id] for room_id in behind}
        self.send(frame_of(greeting))
        for item in held:
            if item.room_id is None or item.rev > told.get(item.room_id, 0):
                self.send(item.frame)
        if self._overflowed:
            self.tell(SessionResync(reason="overflow"))

    def forget(self, room_id: RoomId) -> None:
        """Deliver nothing that is held of a room that the user is no longer in."""
        self._floors.pop(room_id, None)
        if self._held is not None:
            self._held = [item for item in self._held if item.room_id != room_id]

    def close(self, closing: Closing) -> None:
        """Say so, then close; of several reasons the first counts."""
        if self.closing is not None:
            return
        if self._held is None:
            # Past the bound on purpose: this is the last that is ever sent.
            self._link.write(frame_of(SessionClosing(code=closing.code, resume=closing.resume)))
            if not closing.resume:
                self._link.write(_DISCONNECT)
        self.closing = closing
        self._link.shut(closing)

    def _hold(self, item: _Held) -> None:
        if self._held is None or self._overflowed:
            return
        if len(self._held) == MAX_HELD:
            self._overflowed = True
        else:
            self._held.append(item)

    def _is_above_floor(self, room_id: RoomId, rev: int) -> bool:
        if not rev:
            return True
        floor = self._floors.get(room_id)
        if floor is None:
            return True
        if rev >= floor:
            del self._floors[room_id]
        return rev > floor
