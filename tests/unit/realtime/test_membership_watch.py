"""What changes who is in a room is in force here, whatever becomes of the broker."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.unit.realtime.parts import ROOM, announced, entering, leaving, warming
from tests.unit.realtime.pod import Pod, added, created, removed
from tests.waiting import until
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import Seq, UserId
from whatchat.domain.log import MessagePosted
from whatchat.domain.ports.room_store import ChangedRooms
from whatchat.domain.times import utc_now
from whatchat.realtime import membership_watch
from whatchat.realtime.membership_watch import OVERLAP, MembershipWatch
from whatchat.realtime.repair import Repair
from whatchat.realtime.tasks import Tasks

POST = MessagePosted(message_type="text", content="hi")
AN_HOUR = timedelta(hours=1)


class DistantRooms:
    """The room store on a line that can be cut; its clock is an hour ahead of the pod's."""

    def __init__(self, pod: Pod) -> None:
        self._rooms = pod.store.rooms
        self.cut = False
        self.asked: list[datetime | None] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rooms, name)

    async def changed_since(self, moment: datetime | None, *, limit: int) -> ChangedRooms:
        self.asked.append(moment)
        if self.cut:
            raise Unavailable
        found = await self._rooms.changed_since(moment and moment - AN_HOUR, limit=limit)
        return ChangedRooms(
            changes=found.changes, complete=found.complete, read_at=found.read_at + AN_HOUR
        )


@pytest.fixture
def rooms(pod: Pod) -> DistantRooms:
    return DistantRooms(pod)


@pytest.fixture
async def watch(pod: Pod, rooms: DistantRooms, tasks: Tasks) -> MembershipWatch:
    """One that has asked once, and asks when it is told to."""
    repair = Repair(pod.hub, rooms, pod.delivery, tasks)
    watch = MembershipWatch(pod.hub, rooms, pod.log, pod.delivery, repair)
    await watch.poll()
    return watch


def is_in(pod: Pod, user_id: str) -> bool:
    user = pod.hub.user(UserId(user_id))
    assert user
    return ROOM in user.rooms


async def test_who_was_removed_is_out_of_a_quiet_room(pod: Pod, watch: MembershipWatch) -> None:
    bob = pod.member("bob", head=1, joined=1)
    ada = pod.member("ada", head=1, joined=1)
    pod.log.announced = [announced(2), leaving(3, "bob"), announced(3)]
    await pod.write(created("ada", "bob"), POST, removed("bob"))
    await watch.poll()
    await until(lambda: not is_in(pod, "bob"))
    assert [name for name, _ in bob.events()] == ["message:new", "room:removed"]
    assert ada.revs() == [2, 3], "in order, and all of it"
    await watch.poll()
    assert pod.log.reads == 1


async def test_who_alone_did_not_hear_of_the_removal_is_out(
    pod: Pod, watch: MembershipWatch
) -> None:
    """What is for one user takes another channel than what is for the room."""
    bob = pod.member("bob", head=1, joined=1)
    pod.delivery.accept(announced(2))
    pod.log.announced = [leaving(2, "bob"), announced(2)]
    await pod.write(created("ada", "bob"), removed("bob"))
    await watch.poll()
    assert not is_in(pod, "bob")
    assert [name for name, _ in bob.events()] == ["message:new", "room:removed"]
    await watch.poll()
    assert pod.log.reads == 1


async def test_who_connects_on_what_was_read_before_the_removal_is_out(
    pod: Pod, watch: MembershipWatch
) -> None:
    await pod.write(created("ada", "bob"), removed("bob"))
    pod.log.announced = [leaving(2, "bob"), announced(2)]
    bob, _ = warming("bob")
    user = pod.hub.add(bob)
    await watch.poll()
    pod.hub.enter(user, ROOM, Seq(1))
    room = pod.hub.room(ROOM)
    assert room
    pod.delivery.begin(room, 2)
    await watch.poll()
    assert not is_in(pod, "bob")


async def test_who_was_added_is_told_a_round_later(pod: Pod, watch: MembershipWatch) -> None:
    eve = pod.guest("eve")
    pod.log.announced = [entering(2, "eve")]
    await pod.write(created("ada"), added("eve"))
    await watch.poll()
    assert eve.events() == []
    for _ in range(2):
        await watch.poll()
        assert eve.events() == [("room:created", {"roomId": ROOM, "rev": 2})]
    assert is_in(pod, "eve")
    assert pod.log.reads == 1


async def test_what_the_broker_has_brought_is_not_told_again(
    pod: Pod, watch: MembershipWatch
) -> None:
    eve, ada = pod.guest("eve"), pod.member("ada", head=1, joined=1)
    await pod.write(created("ada"), added("eve"))
    await watch.poll()
    pod.delivery.accept(announced(2))
    pod.delivery.accept(entering(2, "eve"))
    await watch.poll()
    assert (len(eve.events()), len(ada.events())) == (1, 1)
    assert pod.log.reads == 0


async def test_who_was_added_and_left_again_hears_nothing(pod: Pod, watch: MembershipWatch) -> None:
    eve = pod.guest("eve")
    pod.log.announced = [leaving(3, "eve"), announced(3)]
    await pod.write(created("ada"), added("eve"), removed("eve"))
    for _ in range(3):
        await watch.poll()
    assert eve.events() == []
    assert pod.log.reads == 0


async def test_who_left_here_before_the_store_showed_the_joining_stays_out(
    pod: Pod, watch: MembershipWatch
) -> None:
    pod.guest("eve")
    await pod.write(created("ada"), added("eve"))
    pod.delivery.accept(leaving(3, "eve"))
    for _ in range(2):
        await watch.poll()
    assert not is_in(pod, "eve")
    assert pod.log.reads == 0


async def test_a_change_that_cannot_be_read_is_read_in_the_next_round(
    pod: Pod, watch: MembershipWatch
) -> None:
    eve = pod.guest("eve")
    pod.log.announced = [entering(2, "eve")]
    await pod.write(created("ada"), added("eve"))
    await watch.poll()
    pod.log.down = True
    await watch.poll()
    pod.log.down = False
    assert eve.events() == []
    await watch.poll()
    assert is_in(pod, "eve")


async def test_polls_overlap_by_the_stores_time(
    rooms: DistantRooms, watch: MembershipWatch
) -> None:
    before = utc_now()
    await watch.poll()
    await watch.poll()
    assert rooms.asked[0] is None
    first, second = rooms.asked[1:]
    assert first
    assert second
    assert first + OVERLAP - AN_HOUR <= before <= second + OVERLAP - AN_HOUR <= utc_now()


async def test_a_store_that_was_away_is_asked_for_all_that_it_missed(
    pod: Pod, rooms: DistantRooms, watch: MembershipWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership_watch, "POLL_SECONDS", 0.01)
    pod.member("bob", head=1, joined=1)
    pod.log.announced = [leaving(2, "bob"), announced(2)]
    rooms.cut = True
    polling = asyncio.create_task(watch.run())
    await until(lambda: len(rooms.asked) > 3)
    await pod.write(created("ada", "bob"), removed("bob"))
    assert len(set(rooms.asked[1:])) == 1, "the time of the latest answer counts"
    rooms.cut = False
    await until(lambda: not is_in(pod, "bob"))
    polling.cancel()


async def test_after_too_many_changes_all_is_compared(
    pod: Pod, watch: MembershipWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership_watch, "MOST_CHANGES", 1)
    pod.member("bob", head=1, joined=1)
    pod.log.announced = [leaving(2, "bob"), announced(2)]
    await pod.write(created("ada", "bob"), removed("bob"))
    await watch.poll()
    await until(lambda: not is_in(pod, "bob"))
