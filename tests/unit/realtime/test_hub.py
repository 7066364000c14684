"""The indexes of users, rooms and sockets, and which channels they need."""

import asyncio

from tests.unit.realtime.parts import ROOM, NotedChannels, actor, greeted
from whatchat.domain.ids import GrantId, RoomId, Seq, SessionId, UserId
from whatchat.realtime.channels import Channels
from whatchat.realtime.hub import MAX_LEFT, Hub
from whatchat.realtime.tasks import Tasks


class Parts:
    def __init__(self, tasks: Tasks) -> None:
        self.users, self.rooms = NotedChannels(), NotedChannels()
        self.user_channels = Channels[UserId](self.users.subscribe, self.users.unsubscribe, tasks)
        self.room_channels = Channels[RoomId](self.rooms.subscribe, self.rooms.unsubscribe, tasks)
        self.hub = Hub(self.user_channels, self.room_channels)

    async def settle(self) -> None:
        await self.user_channels.settle()
        await self.room_channels.settle()
        await asyncio.sleep(0.01)


async def test_the_first_local_user_subscribes_and_the_last_unsubscribes(tasks: Tasks) -> None:
    parts = Parts(tasks)
    hub = parts.hub
    phone, desk, bob = greeted("ada", "phone")[0], greeted("ada", "desk")[0], greeted("bob")[0]
    for connection in (phone, desk, bob):
        hub.enter(hub.add(connection), ROOM, Seq(1))
    await parts.settle()
    assert (parts.users.now, parts.rooms.now) == ({"ada", "bob"}, {ROOM})
    hub.remove(phone)
    hub.remove(bob)
    await parts.settle()
    assert (parts.users.now, parts.rooms.now) == ({"ada"}, {ROOM})
    assert hub.room(ROOM)
    hub.remove(desk)
    await parts.settle()
    assert (parts.users.now, parts.rooms.now) == (set(), set())
    assert (hub.room(ROOM), hub.user(UserId("ada")), len(hub)) == (None, None, 0)
    assert [sign for sign, _ in parts.rooms.calls] == ["+", "-"]


async def test_memberships_are_the_users_not_the_sockets(tasks: Tasks) -> None:
    hub = Parts(tasks).hub
    phone, desk = greeted("ada", "phone")[0], greeted("ada", "desk")[0]
    user = hub.add(phone)
    assert hub.add(desk) is user
    assert hub.enter(user, ROOM, Seq(3))
    assert not hub.enter(user, ROOM, Seq(3))
    assert not hub.enter(user, ROOM, Seq(2))
    assert hub.leave(user, ROOM, 4)
    assert not hub.leave(user, ROOM, 4)
    assert not hub.enter(user, ROOM, Seq(3))
    assert hub.enter(user, ROOM, Seq(5))
    assert user.rooms == {ROOM: 5}


async def test_a_socket_is_removed_once(tasks: Tasks) -> None:
    hub = Parts(tasks).hub
    phone, desk = greeted("ada", "phone")[0], greeted("ada", "desk")[0]
    hub.add(phone)
    hub.add(desk)
    assert hub.remove(phone)
    assert not hub.remove(phone)
    assert hub.connection(SessionId("phone")) is None
    assert list(hub) == [desk]


async def test_sockets_are_found_by_the_grant_they_have_now(tasks: Tasks) -> None:
    hub = Parts(tasks).hub
    phone, _ = greeted("ada", "phone", grant="old")
    hub.add(phone)
    assert hub.of_grant(GrantId("old")) == [phone]
    hub.change_actor(phone, actor("ada", "phone", grant="new"))
    assert (hub.of_grant(GrantId("old")), hub.of_grant(GrantId("new"))) == ([], [phone])
    hub.remove(phone)
    assert hub.of_grant(GrantId("new")) == []


async def test_what_is_remembered_of_rooms_left_is_bounded(tasks: Tasks) -> None:
    hub = Parts(tasks).hub
    user = hub.add(greeted("ada")[0])
    for number in range(MAX_LEFT + 10):
        assert hub.leave(user, RoomId(f"room{number}"), 1)
    remembered = [
        number for number in range(MAX_LEFT + 10) if user.has_left(RoomId(f"room{number}"), 1)
    ]
    assert remembered == list(range(10, MAX_LEFT + 10))
    assert user.has_left(RoomId(f"room{MAX_LEFT}"), 1)
