"""Who is in which namespace and room: python-socketio's client manager, for one process."""

from collections.abc import Callable, Coroutine, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import socketio
import structlog

from whatchat.domain.ids import random_id
from whatchat.realtime.frame import Frame
from whatchat.realtime.session import Session

if TYPE_CHECKING:
    from whatchat.realtime.socket_server import SocketServer

log = structlog.get_logger()

MAX_CALLBACKS: Final = 256
"""Acknowledgements that one client may owe; of more, the oldest are waited for no longer."""

Callback = Callable[..., Any]


class Member:
    """One client in one namespace."""

    __slots__ = ("callbacks", "connected", "rooms", "session")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.connected = False
        self.rooms: set[str] | None = None
        self.callbacks: dict[int, Callback] | None = None


class Members(socketio.AsyncManager):  # type: ignore[misc] # the library ships no types
    """Joins and leaves in constant time; an event is encoded once and written to many.

    Implements what ``socketio.AsyncServer`` asks of its manager.
    """

    def __init__(self, owner: "SocketServer") -> None:
        super().__init__()
        self._owner = owner
        self._members: dict[str, dict[str, Member]] = {}
        self._in_room: dict[tuple[str, str], dict[str, Member]] = {}
        self._ack_ids = count(1)

    # Clients.

    def get_namespaces(self) -> list[str]:
        return list(self._members)

    async def pre_connect(self, eio_sid: str, namespace: str) -> str | None:
        session = self._session(eio_sid)
        if session is None or namespace in session.layer.sids:
            return None
        sid: str = random_id()
        session.layer.sids[namespace] = sid
        self._members.setdefault(namespace, {})[sid] = Member(session)
        return sid

    async def connect(self, sid: str, namespace: str) -> str:
        self._members[namespace][sid].connected = True
        return sid

    def is_connected(self, sid: str | None, namespace: str) -> bool:
        member = self._member(sid, namespace)
        return member is not None and member.connected

    async def can_disconnect(self, sid: str, namespace: str) -> bool:
        return self.is_connected(sid, namespace)

    def pre_disconnect(self, sid: str, namespace: str) -> str | None:
        member = self._member(sid, namespace)
        if member is None:
            return None
        member.connected = False
        # It may connect anew while its disconnecting is still being handled.
        member.session.layer.sids.pop(namespace, None)
        return member.session.sid

    async def disconnect(self, sid: str, namespace: str, **_kwargs: object) -> None:
        member = self._members.get(namespace, {}).pop(sid, None)
        if member is not None:
            for room in tuple(member.rooms or ()):
                self._leave(sid, namespace, room)
            if member.session.closed:
                return
            sids = member.session.layer.sids
            if sids.get(namespace) == sid:
                del sids[namespace]
            self._owner.expect_connect(member.session)

    def sid_from_eio_sid(self, eio_sid: str, namespace: str) -> str | None:
        session = self._session(eio_sid)
        return session.layer.sids.get(namespace) if session is not None else None

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str | None:
        member = self._member(sid, namespace)
        return member.session.sid if member is not None else None

    # Rooms.

    async def enter_room(
        self, sid: str, namespace: str, room: str, _eio_sid: str | None = None
    ) -> None:
        """Raises ``ValueError`` for a client that is not there, and for another's own room."""
        member = self._member(sid, namespace)
        if member is None:
            raise ValueError("sid is not connected to requested namespace")
        if room in self._members[namespace]:
            if room == sid:
                return  # everybody is in there anyway
            raise ValueError("cannot enter a sid room")
        if member.rooms is None:
            member.rooms = set()
        member.rooms.add(room)
        self._in_room.setdefault((namespace, room), {})[sid] = member

    async def leave_room(self, sid: str, namespace: str, room: str) -> None:
        member = self._member(sid, namespace)
        if member is not None and member.rooms and room in member.rooms:
            member.rooms.discard(room)
            self._leave(sid, namespace, room)

    async def close_room(self, room: str, namespace: str) -> None:
        for sid in tuple(self._in_room.get((namespace, room), ())):
            await self.leave_room(sid, namespace, room)

    def get_rooms(self, sid: str, namespace: str) -> list[str]:
        member = self._member(sid, namespace)
        return [sid, *(member.rooms or ())] if member is not None else []

    def get_participants(
        self, namespace: str, room: str | list[str] | tuple[str, ...] | None
    ) -> Iterator[tuple[str, str]]:
        for sid, member in self._audience(namespace, room).items():
            yield sid, member.session.sid

    # Events.

    async def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Callback | None = None,
        to: Any = None,
        **_kwargs: object,
    ) -> None:
        arguments = _arguments(data)
        skipped = set(skip_sid if isinstance(skip_sid, list) else [skip_sid])
        frames: list[Frame] = (
            [] if callback else self._owner.event_frames(namespace, event, arguments)
        )
        for sid, member in self._audience(namespace, to or room).items():
            if sid in skipped:
                continue
            if callback is not None:
                ack_id = self._expect(member, callback)
                frames = self._owner.event_frames(namespace, event, arguments, ack_id)
            for frame in frames:
                member.session.write(frame)

    def acknowledge(self, sid: str, namespace: str, ack_id: int, data: list[Any]) -> None:
        """Call back who waits for this; what nobody waits for is dropped."""
        member = self._member(sid, namespace)
        callback = member.callbacks.pop(ack_id, None) if member and member.callbacks else None
        if callback is not None:
            try:
                result = callback(*data)
            except Exception:
                log.exception("an acknowledgement could not be handled")
                return
            if isinstance(result, Coroutine):
                self._owner.tasks.spawn(result, name="acknowledged")

    def _expect(self, member: Member, callback: Callback) -> int:
        if member.callbacks is None:
            member.callbacks = {}
        if len(member.callbacks) >= MAX_CALLBACKS:
            del member.callbacks[next(iter(member.callbacks))]
        ack_id = next(self._ack_ids)
        member.callbacks[ack_id] = callback
        return ack_id

    def _audience(self, namespace: str, room: Any) -> dict[str, Member]:
        members = self._members.get(namespace, {})
        if room is None:
            return dict(members)
        found: dict[str, Member] = {}
        for name in room if isinstance(room, list | tuple) else [room]:
            found.update(self._in_room.get((namespace, name), {}))
            if name in members:
                found[name] = members[name]
        return found

    def _member(self, sid: str | None, namespace: str) -> Member | None:
        return self._members.get(namespace, {}).get(sid) if sid else None

    def _session(self, eio_sid: str) -> Session | None:
        return self._owner.engine.sessions.get(eio_sid)

    def _leave(self, sid: str, namespace: str, room: str) -> None:
        members = self._in_room.get((namespace, room), {})
        members.pop(sid, None)
        if not members:
            self._in_room.pop((namespace, room), None)


def _arguments(data: Any) -> list[Any]:
    """Tuples are several arguments, ``None`` none, anything else is one."""
    if isinstance(data, tuple):
        return list(data)
    return [] if data is None else [data]
