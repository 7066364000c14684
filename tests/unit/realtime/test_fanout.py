"""Who hears an announcement on this pod, and who no longer."""

import pytest
from msgspec.structs import replace

from tests.unit.realtime.parts import (
    GREETING,
    ROOM,
    NotedLink,
    announced,
    deliveries,
    entering,
    greeted,
    hub_of,
    in_passing,
    leaving,
    warming,
)
from whatchat.domain.audience import Announcement, InRoom, Part, ToUser
from whatchat.domain.ids import RoomId, Seq, SessionId, UserId
from whatchat.domain.ports.live_rooms import Post
from whatchat.realtime.connection import VOLATILE_BYTES
from whatchat.realtime.fanout import Fanout
from whatchat.realtime.hub import Hub, LocalUser
from whatchat.realtime.tasks import Tasks


def joined(hub: Hub, user_id: str, *, since: int = 1, session: str = "") -> NotedLink:
    """A greeted socket of a member."""
    connection, link = greeted(user_id, session)
    hub.enter(hub.add(connection), ROOM, Seq(since))
    return link


async def test_members_hear_the_room_and_nobody_else_does(tasks: Tasks) -> None:
    hub = hub_of(tasks)
    ada, desk, bob = joined(hub, "ada"), joined(hub, "ada", session="desk"), joined(hub, "bob")
    connection, eve = greeted("eve")
    hub.enter(hub.add(connection), RoomId("other"), Seq(1))
    Fanout(hub, deliveries()).deliver(announced(2))
    for link in (ada, desk, bob):
        assert link.events() == [("message:new", {"roomId": "room", "rev": 2})]
    assert eve.events() == []


async def test_what_is_volatile_reaches_who_can_take_it_now_and_nobody_left_out(
    tasks: Tasks,
) -> None:
    hub = hub_of(tasks)
    ada, desk, bob, slow = (
        joined(hub, user_id, session=session)
        for user_id, session in [("ada", "phone"), ("ada", "desk"), ("bob", ""), ("eve", "")]
    )
    connection, newcomer = warming("dan")
    hub.enter(hub.add(connection), ROOM, Seq(1))
    slow.congested, slow.buffered = True, VOLATILE_BYTES + 1
    fanout = Fanout(hub, deliveries())
    fanout.deliver(in_passing("ada", "nobody"))
    fanout.deliver(announced(2))
    connection.greet(GREETING, {}, set())
    assert (ada.revs(), desk.revs(), bob.revs()) == ([2], [2], [0, 2])
    assert (slow.revs(), newcomer.revs()) == ([2], [2])


async def test_a_room_is_heard_on_the_sockets_that_its_members_have_now(tasks: Tasks) -> None:
    hub = hub_of(tasks)
    fanout, phone, bob = (
        Fanout(hub, deliveries()),
        joined(hub, "ada", session="phone"),
        joined(hub, "bob"),
    )
    fanout.deliver(announced(2))
    desk = joined(hub, "ada", session="desk")
    fanout.deliver(announced(3))
    _remove(hub, "desk")
    fanout.deliver(announced(4))
    hub.leave(_user(hub, "bob"), ROOM, 5)
    fanout.deliver(announced(5))
    connection, eve = greeted("eve")
    hub.enter(hub.add(connection), ROOM, Seq(6))
    fanout.deliver(announced(7))
    _remove(hub, "phone")
    fanout.deliver(announced(8))
    assert phone.revs() == [2, 3, 4, 5, 7]
    assert (desk.revs(), bob.revs(), eve.revs()) == ([3], [2, 3, 4], [7, 8])


def _remove(hub: Hub, session: str) -> None:
    connection = hub.connection(SessionId(session))
    assert connection
    assert hub.remove(connection)


def _user(hub: Hub, user_id: str) -> LocalUser:
    user = hub.user(UserId(user_id))
    assert user
    return user


async def test_all_recipients_share_one_frame(tasks: Tasks) -> None:
    hub = hub_of(tasks)
    links = [joined(hub, f"user{number}") for number in range(3)]
    Fanout(hub, deliveries()).deliver(announced(2))
    assert len({id(link.frames[-1]) for link in links}) == 1


async def test_the_excepted_session_hears_nothing(tasks: Tasks) -> None:
    hub = hub_of(tasks)
    sender, desk = joined(hub, "ada", session="phone"), joined(hub, "ada", session="desk")
    excepted = SessionId("phone")
    Fanout(hub, deliveries()).deliver(announced(2, InRoom(room_id=ROOM, except_session=excepted)))
    assert (sender.revs(), desk.revs()) == ([], [2])


async def test_who_joined_after_the_message_learns_the_rev_alone(tasks: Tasks) -> None:
    hub = hub_of(tasks)
    old, same, new = (
        joined(hub, "old", since=4),
        joined(hub, "same", since=5),
        joined(hub, "new", since=6),
    )
    newer = joined(hub, "newer", since=7)
    Fanout(hub, deliveries()).deliver(announced(9, InRoom(room_id=ROOM, seq=Seq(5))))
    for link in (old, same):
        assert link.events() == [("message:new", {"roomId": "room", "rev": 9})]
    for link in (new, newer):
        assert link.events() == [("room:rev", {"roomId": "room", "rev": 9})]
    assert new.frames[-1] is newer.frames[-1]


async def test_who_enters_hears_its_own_event_and_then_the_room(tasks: Tasks) -> None:
    hub = hub_of(tasks)
    fanout, ada = Fanout(hub, deliveries()), joined(hub, "ada")
    connection, bob = greeted("bob")
    hub.add(connection)
    fanout.deliver(announced(4))
    fanout.deliver(entering(5, "bob"))
    fanout.deliver(announced(5, event="room:updated"))
    fanout.deliver(announced(6))
    assert bob.events() == [
        ("room:created", {"roomId": "room", "rev": 5}),
        ("message:new", {"roomId": "room", "rev": 6}),
    ]
    assert ada.revs() == [4, 5, 6]


async def test_who_enters_is_told_so_once(tasks: Tasks) -> None:
    hub = hub_of(tasks)
    fanout = Fanout(hub, deliveries())
    connection, bob = greeted("bob")
    hub.add(connection)
    fanout.deliver(entering(5, "bob"))
    fanout.deliver(entering(5, "bob"))
    assert bob.revs() == [5]
    fanout.deliver(leaving(6, "bob"))
    fanout.deliver(entering(7, "bob"))
    assert bob.revs() == [5, 6, 7]


async def test_nothing_of_the_room_reaches_who_was_put_out(tasks: Tasks) -> None:
    hub = hub_of(tasks)
    fanout, ada, bob = Fanout(hub, deliveries()), joined(hub, "ada"), joined(hub, "bob")
    fanout.deliver(leaving(5, "bob"))
    fanout.deliver(announced(5, event="room:updated"))
    fanout.deliver(announced(6))
    fanout.deliver(announced(4, ToUser(user_id=UserId("bob")), event="late"))
    assert bob.events() == [("room:removed", {"roomId": "room", "rev": 5})]
    assert ada.revs() == [5, 6]


async def test_an_old_entering_does_not_undo_a_leaving(tasks: Tasks) -> None:
    hub = hub_of(tasks)
    fanout, bob = Fanout(hub, deliveries()), joined(hub, "bob", since=3)
    fanout.deliver(leaving(5, "bob"))
    fanout.deliver(entering(3, "bob"))
    fanout.deliver(leaving(5, "bob"))
    fanout.deliver(announced(6))
    assert [name for name, _ in bob.events()] == ["room:removed"]


async def test_an_old_leaving_does_not_undo_a_newer_entering(tasks: Tasks) -> None:
    hub = hub_of(tasks)
    fanout, bob = Fanout(hub, deliveries()), joined(hub, "bob", since=7)
    fanout.deliver(leaving(5, "bob"))
    fanout.deliver(announced(8))
    assert bob.revs() == [8]


async def test_who_enters_behind_the_room_is_asked_to_sync(tasks: Tasks) -> None:
    hub = hub_of(tasks)
    joined(hub, "ada")
    room = hub.room(ROOM)
    assert room
    room.out = 8
    connection, bob = greeted("bob")
    hub.add(connection)
    Fanout(hub, deliveries()).deliver(entering(5, "bob"))
    assert bob.events() == [
        ("room:created", {"roomId": "room", "rev": 5}),
        ("session:resync", {"reason": "entered_late"}),
    ]


async def test_a_warming_socket_gets_nothing_of_a_room_left_meanwhile(tasks: Tasks) -> None:
    hub = hub_of(tasks)
    connection, link = warming("bob")
    hub.enter(hub.add(connection), ROOM, Seq(1))
    fanout = Fanout(hub, deliveries())
    fanout.deliver(announced(4))
    fanout.deliver(leaving(5, "bob"))
    connection.greet(GREETING, {}, set())
    assert link.events() == [("room:removed", {"roomId": "room", "rev": 5})]


async def test_what_is_for_one_member_takes_its_rev_for_the_others(tasks: Tasks) -> None:
    hub = hub_of(tasks)
    phone, desk = joined(hub, "ada", session="phone"), joined(hub, "ada", session="desk")
    bob, cat = joined(hub, "bob"), joined(hub, "cat")
    audience = InRoom(room_id=ROOM, only=UserId("ada"), except_session=SessionId("phone"))
    Fanout(hub, deliveries()).deliver(announced(2, audience))
    assert phone.events() == []
    assert desk.events() == [("message:new", {"roomId": "room", "rev": 2})]
    for link in (bob, cat):
        assert link.events() == [("room:rev", {"roomId": "room", "rev": 2})]
    assert bob.frames[-1] is cat.frames[-1]


async def test_others_may_hear_another_version(tasks: Tasks) -> None:
    hub = hub_of(tasks)
    ada, bob, new = joined(hub, "ada"), joined(hub, "bob"), joined(hub, "new", since=3)
    audience = InRoom(room_id=ROOM, only=UserId("ada"), seq=Seq(2))
    others = b'{"roomId":"room","rev":5,"other":true}'
    Fanout(hub, deliveries()).deliver(replace(announced(5, audience), others=others))
    assert ada.events() == [("message:new", {"roomId": "room", "rev": 5})]
    assert bob.events() == [("message:new", {"roomId": "room", "rev": 5, "other": True})]
    assert new.events() == [("room:rev", {"roomId": "room", "rev": 5})]


@pytest.mark.parametrize(
    ("only", "others", "hidden"), [(None, b"", False), ("bob", b"", True), ("bob", b"{}", False)]
)
async def test_a_post_is_hidden_where_others_have_no_version_of_it(
    tasks: Tasks, only: str | None, others: bytes, *, hidden: bool
) -> None:
    hub = hub_of(tasks)
    joined(hub, "ada")
    room = hub.room(ROOM)
    assert room
    room.begin(1)
    audience = InRoom(room_id=ROOM, only=UserId(only) if only else None)
    Fanout(hub, deliveries()).deliver(
        replace(announced(2, audience), others=others, author_id=UserId("bob"))
    )
    assert room.posts(1, 2) == [Post(seq=Seq(2), author_id=UserId("bob"), hidden=hidden)]


async def test_parts_reach_those_members_whom_they_are_for(tasks: Tasks) -> None:
    hub = hub_of(tasks)
    ada, desk, bob = joined(hub, "ada"), joined(hub, "ada", session="desk"), joined(hub, "bob")
    connection, eve = greeted("eve")
    hub.add(connection)
    told = Part(
        event="receipt:read",
        payload=b'{"seq":2}',
        among=(UserId("ada"), UserId("eve"), UserId("away")),
        except_session=SessionId("desk"),
    )
    own = Part(event="receipt:delivered", payload=b'{"seq":3}', among=(UserId("bob"),))
    announcement = Announcement(
        audience=InRoom(room_id=ROOM, among=()),
        event="",
        payload=b"",
        room_id=ROOM,
        parts=(told, own),
    )
    Fanout(hub, deliveries()).deliver(announcement)
    assert ada.events() == [("receipt:read", {"seq": 2})]
    assert bob.events() == [("receipt:delivered", {"seq": 3})]
    assert (desk.events(), eve.events()) == ([], [])
