"""What features learn of a pod's sockets."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.realtime.parts import ROOM, announced, greeted, hub_of, warming
from whatchat.domain.ids import RoomId, Seq, SessionId, UserId
from whatchat.domain.signals import SessionExpiring
from whatchat.realtime.connection import VOLATILE_BYTES
from whatchat.realtime.hub import MAX_POSTS, Hub
from whatchat.realtime.live_hub import LiveHub
from whatchat.realtime.tasks import Tasks

ADA, BOB, EVE = UserId("ada"), UserId("bob"), UserId("eve")


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    tasks = Tasks()
    yield hub_of(tasks)
    await tasks.close()


@pytest.fixture
def live(hub: Hub) -> LiveHub:
    live = LiveHub()
    live.attach(hub)
    return live


def test_nobody_is_live_before_there_is_a_hub() -> None:
    assert LiveHub().head(ROOM) is None
    assert not LiveHub().is_member(ROOM, ADA)


async def test_members_are_those_with_a_socket_in_the_room(hub: Hub, live: LiveHub) -> None:
    ada = hub.add(greeted("ada")[0])
    hub.enter(ada, ROOM, Seq(1))
    assert live.is_member(ROOM, ADA)
    assert not live.is_member(ROOM, BOB)
    assert not live.is_member(RoomId("other"), ADA)
    hub.leave(ada, ROOM, 2)
    assert not live.is_member(ROOM, ADA)


async def test_a_head_is_known_where_the_room_is_followed(hub: Hub, live: LiveHub) -> None:
    hub.enter(hub.add(warming("ada")[0]), ROOM, Seq(1))
    assert live.head(ROOM) is None
    room = hub.room(ROOM)
    assert room
    room.feed.start(4)
    assert live.head(ROOM) == 4
    room.feed.take(announced(5))
    assert live.head(ROOM) == 5


async def test_who_posted_lately_is_known_without_a_hole(hub: Hub, live: LiveHub) -> None:
    def posts(after: int, upto: int) -> list[tuple[int, str]] | None:
        found = live.posts(ROOM, after=Seq(after), upto=Seq(upto))
        return None if found is None else [(post.seq, post.author_id) for post in found]

    assert posts(0, 0) is None
    hub.enter(hub.add(greeted("ada")[0]), ROOM, Seq(1))
    room = hub.room(ROOM)
    assert room
    room.begin(4)
    room.hear(5, ADA, hidden=False)
    room.hear(6, None, hidden=False)
    room.hear(7, BOB, hidden=True)
    room.hear(7, EVE, hidden=False)
    assert posts(4, 7) == [(5, ADA), (7, BOB)]
    assert (posts(5, 7), posts(4, 6), posts(7, 7)) == ([(7, BOB)], [(5, ADA)], [])
    assert (posts(3, 7), posts(4, 8)) == (None, None)
    room.hear(9, ADA, hidden=False)
    assert (posts(4, 9), posts(8, 9)) == (None, [(9, ADA)])
    for rev in range(10, 10 + MAX_POSTS):
        room.hear(rev, BOB, hidden=False)
    assert posts(8, 9) is None
    assert posts(9, 11) == [(10, BOB), (11, BOB)]


async def test_only_the_last_socket_of_a_user_is_told_of_and_no_listener_misses_it(
    hub: Hub, live: LiveHub, caplog: pytest.LogCaptureFixture
) -> None:
    gone: list[UserId] = []

    def fail(user_id: UserId) -> None:
        raise ValueError(user_id)

    live.when_gone(fail)
    live.when_gone(gone.append)
    phone, desk = greeted("ada", "phone")[0], greeted("ada", "desk")[0]
    for connection in (phone, desk):
        hub.add(connection)
    sessions: list[SessionId] = []
    live.when_session_gone(sessions.append)
    hub.remove(phone)
    live.gone(ADA, phone.session_id)
    assert (gone, sessions) == ([], ["phone"])
    hub.remove(desk)
    live.gone(ADA, desk.session_id)
    assert (gone, sessions) == ([ADA], ["phone", "desk"])


async def test_some_sockets_are_told_and_slow_readers_miss_it_first(
    hub: Hub, live: LiveHub
) -> None:
    event = SessionExpiring(in_seconds=5)
    LiveHub().tell([SessionId("phone")], event)
    (phone, heard), (desk, missed) = greeted("ada", "phone"), greeted("ada", "desk")
    hub.add(phone)
    hub.add(desk)
    assert live.sessions_of(ADA) == ("phone", "desk")
    assert live.sessions_of(BOB) == ()
    missed.congested, missed.buffered = True, VOLATILE_BYTES + 1
    live.tell([SessionId("phone"), SessionId("desk"), SessionId("gone")], event)
    assert (heard.events(), missed.events()) == ([("session:expiring", {"inSeconds": 5})], [])
