"""What the tests of the realtime layer are made of."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from whatchat.domain.actor import Actor
from whatchat.domain.audience import Announcement, Audience, InRoom, ToUser
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import DeviceId, GrantId, Rev, RoomId, Seq, SessionId, UserId
from whatchat.domain.signals import SessionMoving
from whatchat.observability.metrics import Metrics
from whatchat.realtime.channels import Channels
from whatchat.realtime.connection import Connection
from whatchat.realtime.deliveries import Deliveries
from whatchat.realtime.engine import OUTBOX_BYTES
from whatchat.realtime.frame import Frame
from whatchat.realtime.hub import Hub
from whatchat.realtime.link import Closing
from whatchat.realtime.outflow import Flusher
from whatchat.realtime.tasks import Tasks

ROOM = RoomId("room")
GREETING = SessionMoving(reconnect_after_ms=0)


class NotedLink:
    """A link that notes what it is asked; ``congested``: its network takes nothing away."""

    transport = "websocket"
    opened_at = 0.0
    round_trip = None

    def __init__(self, *, congested: bool = False) -> None:
        self.frames: list[Frame] = []
        self.congested = congested
        self.buffered = 0
        self.closing: Closing | None = None

    def write(self, frame: Frame) -> None:
        if self.closing is None:
            self.frames.append(frame)
            self.buffered += len(frame.wire) if self.congested else 0

    def shut(self, closing: Closing) -> None:
        self.closing = closing

    def events(self) -> list[tuple[str, Any]]:
        """Name and data of the events written, the greeting left out."""
        texts = [frame.text for frame in self.frames if frame.text.startswith("42")]
        pairs = [json.loads(text[2:]) for text in texts]
        return [(name, data) for name, data in pairs if name != GREETING.name]

    def revs(self) -> list[int]:
        return [data["rev"] for _, data in self.events()]


def actor(user_id: str, session: str = "", *, expires_at: int = 2**40, grant: str = "") -> Actor:
    return Actor(
        user_id=UserId(user_id),
        device_id=DeviceId("device"),
        grant_id=GrantId(grant or f"grant-{user_id}"),
        expires_at=expires_at,
        address="127.0.0.1",
        session_id=SessionId(session or f"{user_id}-session"),
    )


def warming(user_id: str, session: str = "", **options: Any) -> tuple[Connection, NotedLink]:
    link = NotedLink()
    return Connection(actor(user_id, session, **options), link), link


def greeted(user_id: str, session: str = "", **options: Any) -> tuple[Connection, NotedLink]:
    connection, link = warming(user_id, session, **options)
    connection.greet(GREETING, {}, set())
    return connection, link


class NotedChannels:
    """Subscriptions as a broker sees them: ``calls`` in order, ``now`` what is in force."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        self.now: set[str] = set()
        self.down = False

    async def subscribe(self, keys: Sequence[str]) -> None:
        self._require_up()
        self.calls.append(("+", tuple(sorted(keys))))
        self.now |= set(keys)

    async def unsubscribe(self, keys: Sequence[str]) -> None:
        self._require_up()
        self.calls.append(("-", tuple(sorted(keys))))
        self.now -= set(keys)

    def _require_up(self) -> None:
        if self.down:
            raise Unavailable


def hub_of(tasks: Tasks) -> Hub:
    users, rooms = NotedChannels(), NotedChannels()
    return Hub(
        Channels(users.subscribe, users.unsubscribe, tasks),
        Channels(rooms.subscribe, rooms.unsubscribe, tasks),
    )


def deliveries(metrics: Metrics | None = None) -> Deliveries:
    """A count of what is written to sockets, as far as nothing but it looks at that."""
    return Deliveries(metrics or Metrics(), Flusher(OUTBOX_BYTES))


def announced(
    rev: int, audience: Audience | None = None, *, event: str = "message:new", room: str = ROOM
) -> Announcement:
    """A change of the room, to the room unless said otherwise."""
    payload = json.dumps({"roomId": room, "rev": rev}).encode()
    return Announcement(
        audience=audience or InRoom(room_id=RoomId(room)),
        event=event,
        payload=payload,
        room_id=RoomId(room),
        rev=rev,
    )


def entering(rev: int, user_id: str, room: str = ROOM) -> Announcement:
    audience = ToUser(user_id=UserId(user_id), enters=RoomId(room), joined_seq=Seq(rev))
    return announced(rev, audience, event="room:created", room=room)


def leaving(rev: int, user_id: str, room: str = ROOM) -> Announcement:
    audience = ToUser(user_id=UserId(user_id), leaves=RoomId(room))
    return announced(rev, audience, event="room:removed", room=room)


def in_passing(*without: str, room: str = ROOM) -> Announcement:
    """What is worth something only at once, for the room but these."""
    return Announcement(
        audience=InRoom(room_id=RoomId(room), without=tuple(map(UserId, without))),
        event="typing:start",
        payload=b'{"rev":0}',
        room_id=RoomId(room),
        volatile=True,
    )


class ListedLog:
    """A room log that announces what is in its list; ``down``: it cannot be read.

    ``before_answer`` is called while a reading is under way.
    """

    def __init__(self, announcements: Sequence[Announcement] = ()) -> None:
        self.announced = list(announcements)
        self.down = False
        self.reads = 0
        self.before_answer: Callable[[], object] = lambda: None

    async def announcements(self, room_id: RoomId, *, after: Rev, limit: int) -> list[Announcement]:
        self.reads += 1
        self.before_answer()
        if self.down:
            raise Unavailable
        return [one for one in self.announced if one.rev > after and one.room_id == room_id][:limit]

    async def change(self, room_id: RoomId, proposal: object, then: object = None) -> Any:
        raise NotImplementedError

    def heads(self) -> Mapping[RoomId, Rev]:
        heads: dict[RoomId, Rev] = {}
        for one in self.announced:
            if one.room_id:
                heads[one.room_id] = Rev(max(one.rev, heads.get(one.room_id, 0)))
        return heads
