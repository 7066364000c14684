"""Who an event is for. "Everyone" does not exist."""

from datetime import datetime

from msgspec import Struct

from whatchat.domain.ids import RoomId, Seq, SessionId, UserId


class InRoom(Struct, frozen=True, kw_only=True, tag="room"):
    """Every device of every member of a room.

    Where ``seq`` is given, members who joined after it learn only that the rev was taken
    (``room:rev``); ``except_session`` is the socket whose ack says the same. Where ``only`` is
    given, it is for that member alone, and for the others what the announcement has for them.
    Of ``among``, where given, and not of ``without``: others hear nothing at all, which suits
    what takes no rev.
    """

    room_id: RoomId
    seq: Seq | None = None
    except_session: SessionId | None = None
    only: UserId | None = None
    among: tuple[UserId, ...] | None = None
    without: tuple[UserId, ...] = ()


class ToUser(Struct, frozen=True, kw_only=True, tag="user"):
    """Every device of one user but the socket ``except_session``.

    ``enters`` subscribes the user's sockets to that room from this event on, as a member
    since ``joined_seq``; ``leaves`` ends it before the room hears of anything further.
    """

    user_id: UserId
    enters: RoomId | None = None
    joined_seq: Seq = Seq(0)
    leaves: RoomId | None = None
    except_session: SessionId | None = None


class ToPods(Struct, frozen=True, kw_only=True, tag="pods"):
    """Every pod that listens for this topic: what it holds is no event, and for no client."""

    topic: str


Audience = InRoom | ToUser | ToPods


class Part(Struct, frozen=True, kw_only=True, array_like=True):
    """One event for every device of some of a room's members but the socket ``except_session``."""

    event: str
    payload: bytes
    among: tuple[UserId, ...]
    except_session: SessionId | None = None


class Announcement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An encoded event on its way to its audience.

    ``payload`` is the event's data as JSON, encoded once for all recipients. Room events
    carry the room and the ``rev`` they announce; several may share one rev (what the room
    hears and what the person removed hears). Where the change was to a message alone,
    ``on_message`` says so, and ``posted_at`` when, if that message is new: then nobody has to
    read the log to know the room after it.

    Where the audience is a room of which ``only`` one member hears the ``payload``, the others
    hear ``others``, or where that is empty, that the rev was taken. What is ``volatile`` is
    worth something only at once: it is never held, and the first to be dropped. Of a new
    message ``author_id`` is who wrote it. Where there are ``parts``, these are what is told, and
    the audience is the room that they are for: many small events cost one publication.

    ``accepted_at`` is when the change was known to be durable, in seconds since the epoch by its
    pod's clock; ``trace`` is that of the command behind it as a W3C ``traceparent``, if it is
    sampled. What is told again, from the log, has neither. ``remote`` says that it came from
    another pod; it is whoever hears it who knows that.
    """

    audience: Audience
    event: str
    payload: bytes
    room_id: RoomId | None = None
    rev: int = 0
    on_message: bool = False
    posted_at: datetime | None = None
    others: bytes = b""
    volatile: bool = False
    author_id: UserId | None = None
    parts: tuple[Part, ...] = ()
    accepted_at: float = 0.0
    trace: str = ""
    remote: bool = False


def destination_of(announcement: Announcement) -> str:
    """What kind of audience it is for: a room, a user, or pods."""
    audience = announcement.audience
    if isinstance(audience, InRoom):
        return "room"
    return "user" if isinstance(audience, ToUser) else "pods"
