"""What a pod remembers of the last moments: commands, messages, receipts, sockets that went.

In memory, bounded, of no use to anybody but whoever looks for what went wrong. It holds ids and
times: nothing that people wrote, and no connection, so that what is gone is freed. Noting
something costs about a microsecond; idle sockets cost nothing.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from struct import Struct
from time import time
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from whatchat.domain.debugging import SocketRow
from whatchat.domain.ids import DeviceId, RoomId, SessionId, UserId

KEPT_COMMANDS: Final = 8
KEPT_ERRORS: Final = 4
MAX_SOCKETS: Final = 50_000
MAX_CLOSED: Final = 1_000
MAX_MESSAGES: Final = 4_096
MAX_LISTED: Final = 100_000
"""So many session ids, in all, are kept of those that messages were handed to; when there may be
more, the oldest messages are forgotten until half of them are left."""

MAX_RECEIPTS: Final = 8_192
MAX_NAMES: Final = 0xFFFF

_COMMAND: Final = Struct("<HHfd")
_KEPT_COMMANDS: Final = KEPT_COMMANDS * _COMMAND.size
_KEPT_ERRORS: Final = KEPT_ERRORS * _COMMAND.size

_Key = tuple[RoomId, int]
_Handing = tuple[RoomId, int, float, Sequence[SessionId], SessionId | None]


class Command(NamedTuple):
    """A command, its outcome, how many milliseconds it took, and when it had it."""

    name: str
    outcome: str
    ms: float
    at: float


class Told(NamedTuple):
    """A receipt: a device told of everything in the room up to ``seq``."""

    room_id: RoomId
    user_id: UserId
    device_id: DeviceId
    seq: int
    is_read: bool
    at: float


class Handed(NamedTuple):
    """To which sockets a message was handed, but for the one that sent it."""

    room_id: RoomId
    rev: int
    at: float
    session_ids: Sequence[SessionId]
    excepted: SessionId | None


class Sent:
    """Whose message it is; when it was asked of its room, durable, and with the broker (0: not)."""

    __slots__ = ("accepted_at", "persisted_at", "published_at", "sender_id")

    def __init__(self, sender_id: UserId, accepted_at: float, persisted_at: float) -> None:
        self.sender_id = sender_id
        self.accepted_at = accepted_at
        self.persisted_at = persisted_at
        self.published_at = 0.0


class Closed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A socket that is gone, as it was, the first of its rooms, and its last commands."""

    row: SocketRow
    room_ids: tuple[RoomId, ...]
    commands: bytes
    errors: bytes


class FlightRecorder:
    """Notes what happens, and forgets the oldest; times are seconds since the epoch.

    Kept in ordered dictionaries: of a plain one, whose first key goes again and again, that takes
    ever longer to find.
    """

    def __init__(self, clock: Callable[[], float] = time) -> None:
        self._clock = clock
        self._names: dict[str, int] = {}
        self._commands: OrderedDict[SessionId, bytes] = OrderedDict()
        self._errors: OrderedDict[SessionId, bytes] = OrderedDict()
        self._closed: OrderedDict[SessionId, Closed] = OrderedDict()
        self._sent: OrderedDict[_Key, Sent] = OrderedDict()
        # Noted with every message, and looked for by operators alone.
        self._handed: deque[_Handing] = deque(maxlen=MAX_MESSAGES)
        self._listed = 0
        self._receipts: deque[Told] = deque(maxlen=MAX_RECEIPTS)

    # What happens.

    def command(self, session_id: SessionId, name: str, outcome: str, seconds: float) -> None:
        """A socket's command had its outcome; both are words of ours."""
        names = self._names
        packed = _COMMAND.pack(
            names.get(name) or self._number(name),
            names.get(outcome) or self._number(outcome),
            seconds * 1000,
            self._clock(),
        )
        before = self._commands.get(session_id)
        if before is None:
            if gone := self._closed.get(session_id):  # its answer was for nobody any more
                self._closed[session_id] = _with(gone, packed, is_error=outcome != "ok")
                return
            _make_room(self._commands, MAX_SOCKETS)
            before = b""
        self._commands[session_id] = (before + packed)[-_KEPT_COMMANDS:]
        if outcome != "ok":
            _make_room(self._errors, MAX_SOCKETS)
            self._errors[session_id] = (self._errors.get(session_id, b"") + packed)[-_KEPT_ERRORS:]

    def persisted(
        self, room_id: RoomId, rev: int, sender_id: UserId, accepted_at: float, at: float
    ) -> None:
        """A message is durable."""
        _make_room(self._sent, MAX_MESSAGES)
        self._sent[room_id, rev] = Sent(sender_id, accepted_at, at)

    def published(self, room_id: RoomId, rev: int) -> None:
        """The broker has what was persisted here."""
        sent = self._sent.get((room_id, rev))
        if sent is not None and not sent.published_at:
            sent.published_at = self._clock()

    def handed(
        self,
        room_id: RoomId,
        rev: int,
        session_ids: Sequence[SessionId],
        excepted: SessionId | None,
    ) -> None:
        """A message was handed to these sockets; the same sequence again takes no more room."""
        self._handed.append((room_id, rev, self._clock(), session_ids, excepted))
        self._listed += len(session_ids)
        if self._listed > MAX_LISTED:
            self._unlist()

    def acknowledged(
        self, room_id: RoomId, user_id: UserId, device_id: DeviceId, seq: int, *, is_read: bool
    ) -> None:
        """A device told how far it has got."""
        told = Told(room_id, user_id, device_id, seq, is_read, self._clock())
        self._receipts.append(told)

    def closed(self, session_id: SessionId, row: SocketRow, room_ids: tuple[RoomId, ...]) -> None:
        """A socket is gone."""
        _make_room(self._closed, MAX_CLOSED)
        self._closed[session_id] = Closed(
            row=row,
            room_ids=room_ids,
            commands=self._commands.pop(session_id, b""),
            errors=self._errors.pop(session_id, b""),
        )

    # What happened.

    @property
    def messages_remembered(self) -> int:
        """How many messages something is known of, here written or handed out."""
        return max(len(self._sent), len(self._handed))

    def commands_of(self, session_id: SessionId) -> list[Command]:
        """The last commands of a socket that is here, the latest first."""
        return self.unpacked(self._commands.get(session_id, b""))

    def errors_of(self, session_id: SessionId) -> list[Command]:
        """The last of them that failed."""
        return self.unpacked(self._errors.get(session_id, b""))

    def unpacked(self, packed: bytes) -> list[Command]:
        """Commands as they were kept."""
        names = list(self._names)
        found = [
            Command(names[name - 1], names[outcome - 1], ms, at)
            for name, outcome, ms, at in _COMMAND.iter_unpack(packed)
        ]
        return found[::-1]

    def all_closed(self) -> list[Closed]:
        """The sockets that went lately."""
        return list(self._closed.values())

    def sent(self, room_id: RoomId, rev: int) -> Sent | None:
        """When a message was written here."""
        return self._sent.get((room_id, rev))

    def handed_to(self, room_id: RoomId, rev: int) -> Handed | None:
        """Whom a message was handed to here."""
        found = (one for one in self._handed if one[1] == rev and one[0] == room_id)
        return next(map(Handed._make, found), None)

    def row_of(self, session_id: SessionId) -> SocketRow | None:
        """A socket that went lately."""
        closed = self._closed.get(session_id)
        return closed.row if closed is not None else None

    def receipts(self, room_id: RoomId, seq: int) -> list[Told]:
        """Each device's first word, of each kind, that it has this message."""
        found: dict[tuple[UserId, DeviceId, bool], Told] = {}
        for told in self._receipts:
            if told.seq >= seq and told.room_id == room_id:
                found.setdefault((told.user_id, told.device_id, told.is_read), told)
        return list(found.values())

    def _number(self, name: str) -> int:
        if len(self._names) >= MAX_NAMES - 1:
            return self._names.setdefault("unknown", len(self._names) + 1)
        return self._names.setdefault(name, len(self._names) + 1)

    def _unlist(self) -> None:
        """Count the session ids, those of a shared sequence once, and keep half of what may be."""
        seen: set[int] = set()
        kept = self._listed = 0
        for *_, session_ids, _ in reversed(self._handed):
            more = 0 if id(session_ids) in seen else len(session_ids)
            if self._listed + more > MAX_LISTED // 2:
                break
            seen.add(id(session_ids))
            self._listed += more
            kept += 1
        while len(self._handed) > kept:
            self._handed.popleft()


def _with(gone: Closed, packed: bytes, *, is_error: bool) -> Closed:
    commands = (gone.commands + packed)[-_KEPT_COMMANDS:]
    errors = (gone.errors + packed)[-_KEPT_ERRORS:] if is_error else gone.errors
    return replace(gone, commands=commands, errors=errors)


def _make_room(kept: OrderedDict[Any, Any], most: int) -> None:
    if len(kept) >= most:
        kept.popitem(last=False)
