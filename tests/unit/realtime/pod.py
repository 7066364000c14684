"""Everything between the broker and the sockets, over a real store."""

from collections.abc import Sequence

from tests.unit.realtime.parts import (
    GREETING,
    ROOM,
    ListedLog,
    NotedChannels,
    NotedLink,
    deliveries,
    greeted,
)
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.domain.actor import Actor
from whatchat.domain.contract import Event
from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, UserId
from whatchat.domain.log import AnyChange, Entry, MemberRemoved, MembersAdded, RoomCreated
from whatchat.domain.models import RoomSettings
from whatchat.domain.times import utc_now
from whatchat.observability.metrics import Metrics
from whatchat.realtime.admission import Admission
from whatchat.realtime.channels import Channels
from whatchat.realtime.deadlines import Deadlines
from whatchat.realtime.delivery import Delivery
from whatchat.realtime.hub import Hub
from whatchat.realtime.tasks import Tasks


class Pod:
    """``told`` is what the latest greeting told of rooms."""

    def __init__(self, store: SqliteStore, deadlines: Deadlines, tasks: Tasks) -> None:
        self.store = store
        self.log = ListedLog()
        self.rooms, self.users = NotedChannels(), NotedChannels()
        self.told: list[tuple[RoomId, Rev]] = []
        user_channels = Channels[UserId](self.users.subscribe, self.users.unsubscribe, tasks)
        room_channels = Channels[RoomId](self.rooms.subscribe, self.rooms.unsubscribe, tasks)
        self.hub = Hub(user_channels, room_channels)
        self.metrics = Metrics()
        self.delivery = Delivery(
            self.hub,
            room_channels,
            store.rooms,
            self.log,
            deadlines,
            tasks,
            deliveries(self.metrics),
        )
        self.admission = Admission(
            self.hub, user_channels, room_channels, store.rooms, self.delivery, self._greet
        )

    def member(self, user_id: str, *, head: int = 0, joined: int = 0) -> NotedLink:
        """A greeted member of the room, whose feed is at ``head``."""
        connection, link = greeted(user_id)
        self.hub.enter(self.hub.add(connection), ROOM, Seq(joined))
        room = self.hub.room(ROOM)
        assert room
        self.delivery.begin(room, head)
        return link

    def guest(self, user_id: str) -> NotedLink:
        """A greeted socket that is in no room."""
        connection, link = greeted(user_id)
        self.hub.add(connection)
        return link

    async def write(self, *changes: AnyChange, first: int = 1, room: str = ROOM) -> None:
        entries = [entry(rev, change, room) for rev, change in enumerate(changes, first)]
        assert (await self.store.messages.append(entries)).clash is None

    def _greet(self, _actor: Actor, heads: Sequence[tuple[RoomId, Rev]]) -> Event:
        self.told = list(heads)
        return GREETING


def entry(rev: int, change: AnyChange, room: str) -> Entry:
    return Entry(
        room_id=RoomId(room),
        rev=Rev(rev),
        actor_id=UserId("ada"),
        client_id=ClientId(f"client-{rev:010}"),
        digest=b"",
        at=utc_now(),
        pod="pod",
        change=change,
    )


def created(*user_ids: str) -> RoomCreated:
    return RoomCreated(
        room_kind="group",
        name="",
        description="",
        settings=RoomSettings(),
        members=tuple(map(UserId, user_ids)),
    )


def added(*user_ids: str) -> MembersAdded:
    return MembersAdded(user_ids=tuple(map(UserId, user_ids)))


def removed(user_id: str) -> MemberRemoved:
    return MemberRemoved(user_id=UserId(user_id))
