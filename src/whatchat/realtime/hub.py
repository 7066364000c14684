"""Who is connected to this pod, and which rooms they are in."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final

from whatchat.domain.actor import Actor
from whatchat.domain.ids import GrantId, RoomId, Seq, SessionId, UserId
from whatchat.domain.ports.live_rooms import Post
from whatchat.realtime.channels import Channels
from whatchat.realtime.connection import Connection
from whatchat.realtime.room_feed import RoomFeed

MAX_LEFT: Final = 1_000
MAX_POSTS: Final = 64
"""So many of the latest messages a room remembers the authors of."""


class LocalUser:
    """A user with sockets on this pod; ``rooms`` says since when the user is in each."""

    __slots__ = ("_left", "_let_in", "connections", "rooms", "user_id")

    def __init__(self, user_id: UserId) -> None:
        self.user_id = user_id
        self.connections: dict[SessionId, Connection] = {}
        self.rooms: dict[RoomId, Seq] = {}
        # Few need these, and an empty dict is not for nothing.
        self._left: dict[RoomId, int] | None = None
        self._let_in: dict[RoomId, Seq] | None = None

    def has_left(self, room_id: RoomId, rev: int) -> bool:
        """Whether the user was seen leaving the room at ``rev`` or later."""
        return self._left is not None and self._left.get(room_id, -1) >= rev

    def note_leaving(self, room_id: RoomId, rev: int) -> None:
        """Remember the leaving, so that nothing older undoes it."""
        if self._left is None:
            self._left = {}
        self._left.pop(room_id, None)
        self._left[room_id] = rev
        if len(self._left) > MAX_LEFT:
            del self._left[next(iter(self._left))]

    def is_let_in(self, room_id: RoomId, joined_seq: Seq) -> bool:
        """Whether it was told, here, of having come into the room at ``joined_seq`` or later."""
        return self._let_in is not None and self._let_in.get(room_id, -1) >= joined_seq

    def note_letting_in(self, room_id: RoomId, joined_seq: Seq) -> None:
        """Remember that it was told."""
        if self._let_in is None:
            self._let_in = {}
        self._let_in[room_id] = joined_seq

    def forget_letting_in(self, room_id: RoomId) -> None:
        """It is no longer in the room."""
        if self._let_in is not None:
            self._let_in.pop(room_id, None)


class LocalRoom:
    """A room with members on this pod, and since when each of them is one.

    ``out`` is the latest rev that they have heard of, ``newest`` since when the latest
    comer among them is a member. It remembers who posted lately.
    """

    __slots__ = (
        "_posts",
        "_posts_after",
        "_session_ids",
        "_sockets",
        "feed",
        "filling",
        "members",
        "newest",
        "out",
        "room_id",
    )

    def __init__(self, room_id: RoomId) -> None:
        self.room_id = room_id
        self.members: dict[LocalUser, Seq] = {}
        self.feed = RoomFeed()
        self.filling = False
        self.out = self.newest = 0
        self._posts: deque[Post] | None = None
        self._posts_after = 0
        self._sockets: list[Connection] | None = None
        self._session_ids: tuple[SessionId, ...] | None = None

    @property
    def size(self) -> int:
        """How many sockets there are."""
        if self._sockets is not None:
            return len(self._sockets)
        return sum(len(user.connections) for user in self.members)

    @property
    def session_ids(self) -> tuple[SessionId, ...]:
        """The ids of :attr:`sockets`, which whoever keeps them keeps no connection by."""
        if self._session_ids is None:
            self._session_ids = tuple(connection.session_id for connection in self.sockets)
        return self._session_ids

    @property
    def sockets(self) -> Sequence[Connection]:
        """All sockets of all members; collected once, as events are far more often."""
        if self._sockets is None:
            self._sockets = [
                connection for user in self.members for connection in user.connections.values()
            ]
        return self._sockets

    def begin(self, head: int) -> None:
        """Know that all that comes is above ``head``."""
        self.out = self._posts_after = head

    def hear(self, rev: int, author_id: UserId | None, *, hidden: bool) -> None:
        """Note that the members heard of a rev, and who posted it if it is a message."""
        if rev <= self.out:
            return
        if rev != self.out + 1:
            self._posts, self._posts_after = None, rev - 1
        self.out = rev
        if author_id is None:
            return
        if self._posts is None:
            self._posts = deque()
        elif len(self._posts) == MAX_POSTS:
            self._posts_after = self._posts.popleft().seq
        self._posts.append(Post(seq=Seq(rev), author_id=author_id, hidden=hidden))

    def posts(self, after: int, upto: int) -> Sequence[Post] | None:
        """The messages with ``after < seq <= upto``, in order; ``None`` if not all are known."""
        if after < self._posts_after or upto > self.out:
            return None
        newest_first = takewhile(lambda post: post.seq > after, reversed(self._posts or ()))
        return [post for post in newest_first if post.seq <= upto][::-1]

    def enter(self, user: LocalUser, joined_seq: Seq) -> None:
        """Make a user a member, or one anew."""
        self.members[user] = joined_seq
        self.newest = max(self.newest, joined_seq)
        self._sockets = self._session_ids = None

    def leave(self, user: LocalUser) -> None:
        """Make a user a member no longer."""
        del self.members[user]
        self._sockets = self._session_ids = None

    def forget_sockets(self) -> None:
        """A member's sockets are others now."""
        self._sockets = self._session_ids = None


class Hub:
    """Indexes of connections, users and rooms.

    A user's channel is wanted while the user has a socket here, a room's while it has a
    member here. Memberships belong to users, not to sockets: all of a user's sockets see
    the same rooms.
    """

    def __init__(self, user_channels: Channels[UserId], room_channels: Channels[RoomId]) -> None:
        self._user_channels = user_channels
        self._room_channels = room_channels
        self._connections: dict[SessionId, Connection] = {}
        self._users: dict[UserId, LocalUser] = {}
        self._rooms: dict[RoomId, LocalRoom] = {}
        self._grants: dict[GrantId, set[SessionId]] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._connections.values()))

    def connection(self, session_id: SessionId | None) -> Connection | None:
        """The socket of a session, if it is here."""
        return self._connections.get(session_id) if session_id else None

    def user(self, user_id: UserId) -> LocalUser | None:
        """The user, if it has a socket here."""
        return self._users.get(user_id)

    def room(self, room_id: RoomId) -> LocalRoom | None:
        """The room, if a member has a socket here."""
        return self._rooms.get(room_id)

    def user_ids(self) -> list[UserId]:
        """Who has a socket here."""
        return list(self._users)

    def room_ids(self) -> list[RoomId]:
        """The rooms that a member with a socket here is in."""
        return list(self._rooms)

    def of_grant(self, grant_id: GrantId) -> list[Connection]:
        """The sockets that a sign-in opened or refreshed."""
        return [self._connections[session] for session in self._grants.get(grant_id, ())]

    def add(self, connection: Connection) -> LocalUser:
        """Take a socket in."""
        user_id = connection.actor.user_id
        user = self._users.get(user_id)
        if user is None:
            user = self._users[user_id] = LocalUser(user_id)
            self._user_channels.want(user_id)
        user.connections[connection.session_id] = connection
        self._forget_sockets(user)
        self._connections[connection.session_id] = connection
        self._grants.setdefault(connection.actor.grant_id, set()).add(connection.session_id)
        return user

    def remove(self, connection: Connection) -> bool:
        """Let a socket go, and with its user's last one the user; false if it was not here."""
        if self._connections.pop(connection.session_id, None) is None:
            return False
        self._release_grant(connection)
        user = self._users[connection.actor.user_id]
        del user.connections[connection.session_id]
        if not user.connections:
            for room_id in tuple(user.rooms):
                self._detach(user, room_id)
            del self._users[user.user_id]
            self._user_channels.drop(user.user_id)
        self._forget_sockets(user)
        return True

    def change_actor(self, connection: Connection, actor: Actor) -> None:
        """Let a socket go on under another token of the same user."""
        self._release_grant(connection)
        connection.actor = actor
        self._grants.setdefault(actor.grant_id, set()).add(connection.session_id)

    def enter(self, user: LocalUser, room_id: RoomId, joined_seq: Seq) -> bool:
        """Attach a user to a room; false if it was already, or has left it since."""
        if user.has_left(room_id, joined_seq) or user.rooms.get(room_id, -1) >= joined_seq:
            return False
        room = self._rooms.get(room_id)
        if room is None:
            room = self._rooms[room_id] = LocalRoom(room_id)
            self._room_channels.want(room_id)
        user.rooms[room_id] = joined_seq
        room.enter(user, joined_seq)
        return True

    def leave(self, user: LocalUser, room_id: RoomId, rev: int) -> bool:
        """Detach a user from a room at ``rev``; false if that is known or long past."""
        if user.has_left(room_id, rev) or user.rooms.get(room_id, -1) > rev:
            return False
        user.note_leaving(room_id, rev)
        self._detach(user, room_id)
        return True

    def _detach(self, user: LocalUser, room_id: RoomId) -> None:
        user.forget_letting_in(room_id)
        if user.rooms.pop(room_id, None) is None:
            return
        room = self._rooms[room_id]
        room.leave(user)
        if not room.members:
            del self._rooms[room_id]
            self._room_channels.drop(room_id)

    def _forget_sockets(self, user: LocalUser) -> None:
        for room_id in user.rooms:
            self._rooms[room_id].forget_sockets()

    def _release_grant(self, connection: Connection) -> None:
        grant_id = connection.actor.grant_id
        sessions = self._grants[grant_id]
        sessions.discard(connection.session_id)
        if not sessions:
            del self._grants[grant_id]
