"""From the broker to the sockets: holes are filled, and joining amid events loses none."""

import asyncio
from collections.abc import Callable

import pytest

from tests.unit.realtime.parts import (
    GREETING,
    ROOM,
    ListedLog,
    NotedChannels,
    NotedLink,
    announced,
    entering,
    greeted,
    leaving,
    warming,
)
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.domain.ids import ClientId, DeviceId, Rev, RoomId, Seq, UserId
from whatchat.domain.log import Entry, MembersAdded, RoomCreated, RoomUpdated
from whatchat.domain.models import RoomSettings
from whatchat.domain.times import utc_now
from whatchat.realtime.admission import Admission
from whatchat.realtime.channels import Channels
from whatchat.realtime.deadlines import Deadlines
from whatchat.realtime.delivery import Delivery
from whatchat.realtime.hub import Hub
from whatchat.realtime.tasks import Tasks


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not reached():
            await asyncio.sleep(0.005)


class Pod:
    """Everything between the broker and the sockets, over a real store."""

    def __init__(self, store: SqliteStore, deadlines: Deadlines, tasks: Tasks) -> None:
        self.store = store
        self.log = ListedLog()
        self.rooms, self.users = NotedChannels(), NotedChannels()
        user_channels = Channels[UserId](self.users.subscribe, self.users.unsubscribe, tasks)
        room_channels = Channels[RoomId](self.rooms.subscribe, self.rooms.unsubscribe, tasks)
        self.hub = Hub(user_channels, room_channels)
        self.delivery = Delivery(
            self.hub, room_channels, store.rooms, self.log, deadlines, tasks
        )
        self.told: list[tuple[RoomId, Rev]] = []
        self.admission = Admission(
            self.hub, user_channels, room_channels, store.rooms, self.delivery, self._greet
        )

    def _greet(self, _actor: object, heads: object) -> type:
        self.told = list(heads)  # type: ignore[call-overload]
        return GREETING  # type: ignore[return-value]

    def member(self, user_id: str, *, head: int = 0) -> NotedLink:
        """A greeted member of the room, whose feed is at ``head``."""
        connection, link = greeted(user_id)
        self.hub.enter(self.hub.add(connection), ROOM, Seq(0))
        room = self.hub.room(ROOM)
        assert room
        self.delivery.begin(room, head)
        return link

    async def write(self, *entries: Entry) -> None:
        assert (await self.store.messages.append(entries)).clash is None


def created(*user_ids: str, room: str = ROOM) -> Entry:
    change = RoomCreated(
        room_kind="group",
        name="",
        description="",
        settings=RoomSettings(),
        members=tuple(UserId(user_id) for user_id in user_ids),
    )
    return entry(1, change, room=room)


def entry(
    rev: int, change: RoomCreated | RoomUpdated | MembersAdded, *, room: str = ROOM
) -> Entry:
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


@pytest.fixture
async def pod(deadlines: Deadlines, tasks: Tasks) -> "asyncio.AsyncIterator[Pod]":
    store = SqliteStore(":memory:")
    await store.open()
    await store.migrate()
    yield Pod(store, deadlines, tasks)
    await store.close()
