"""What changes who is in a room is in force here, whatever becomes of the broker."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.realtime.parts import ROOM, announced, entering, leaving, warming
from tests.unit.realtime.pod import Pod, added, created, removed
from tests.waiting import until
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.log import MessagePosted
from whatchat.domain.ports.room_store import ChangedRoom, ChangedRooms, ChangesPosition
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
        self.cut_after: int | None = None
        self.asked: list[datetime | ChangesPosition | None] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rooms, name)

    async def changed_since(
        self, since: datetime | ChangesPosition | None, *, limit: int
    ) -> ChangedRooms:
        self.asked.append(since)
        if self.cut or self.cut_after == 0:
            raise Unavailable
        if self.cut_after:
            self.cut_after -= 1
        here = since - AN_HOUR if isinstance(since, datetime) else since
        found = await self._rooms.changed_since(here, limit=limit)
        return replace(found, read_at=found.read_at + AN_HOUR)


class CrowdedRooms(DistantRooms):
    """Answers at once, with as many changes and people in each of them as it is told."""

    def __init__(self, pod: Pod, *, changes: int, people: int) -> None:
        super().__init__(pod)
        strangers = added(*(f"stranger-{number}" for number in range(people)))
        self._changes = tuple(
            ChangedRoom(room_id=RoomId(f"room-{number}"), rev=Rev(1), change=strangers)
            for number in range(changes)
        )

    async def changed_since(
        self, since: datetime | ChangesPosition | None, *, limit: int
    ) -> ChangedRooms:
        return ChangedRooms(changes=self._changes, next=None, read_at=utc_now())


@pytest.fixture
def rooms(pod: Pod) -> DistantRooms:
    return DistantRooms(pod)


@pytest.fixture
async def watch(pod: Pod, rooms: DistantRooms, tasks: Tasks) -> MembershipWatch:
    """One that has asked once, and asks when it is told to."""
    watch = watch_of(pod, rooms, tasks)
    await watch.poll()
    return watch


def watch_of(pod: Pod, rooms: DistantRooms, tasks: Tasks) -> MembershipWatch:
    repair = Repair(pod.hub, rooms, pod.delivery, tasks)
    return MembershipWatch(pod.hub, rooms, pod.log, pod.delivery, repair)


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


async def test_who_enters_by_connecting_while_that_is_being_read_is_not_told(
    pod: Pod, watch: MembershipWatch
) -> None:
    """The greeting has the room already."""
    eve = pod.guest("eve")
    user = pod.hub.user(UserId("eve"))
    assert user
    await pod.write(created("ada"), added("eve"))
    await watch.poll()
    pod.log.announced = [entering(2, "eve")]
    pod.log.before_answer = lambda: pod.hub.enter(user, ROOM, Seq(2))
    await watch.poll()
    assert (eve.events(), pod.log.reads) == ([], 1)


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
    assert isinstance(first, datetime)
    assert isinstance(second, datetime)
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
    """Also who alone did not hear of a removal is out then."""
    monkeypatch.setattr(membership_watch, "MOST_CHANGES", 1)
    monkeypatch.setattr(membership_watch, "MOST_ANSWERS", 1)
    bob = pod.member("bob", head=1, joined=1)
    pod.delivery.accept(announced(2))
    await pod.write(created("ada", "bob"), removed("bob"))
    await watch.poll()
    await until(lambda: not is_in(pod, "bob"))
    assert pod.log.reads == 0
    pod.delivery.accept(announced(3))
    assert [name for name, _ in bob.events()] == ["message:new", "session:resync"]


async def test_more_than_one_answer_holds_is_read_on_in_the_same_round(
    pod: Pod, rooms: DistantRooms, watch: MembershipWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership_watch, "MOST_CHANGES", 1)
    bob = pod.member("bob", head=1, joined=1)
    pod.delivery.accept(announced(2))
    pod.log.announced = [leaving(2, "bob"), announced(2)]
    await pod.write(created("ada", "bob"), removed("bob"))
    before = utc_now()
    await watch.poll()
    assert not is_in(pod, "bob")
    assert [name for name, _ in bob.events()] == ["message:new", "room:removed"]
    await watch.poll()
    again = [since for since in rooms.asked[1:] if isinstance(since, datetime)]
    assert len(again) == 2, "the rest are positions"
    assert again[1] + OVERLAP - AN_HOUR >= before, "the next round begins at this one's time"
    await asyncio.sleep(0.05)
    assert len(bob.events()) == 2, "nothing is compared"


async def test_what_came_and_went_in_different_answers_is_seen_as_a_whole(
    pod: Pod, watch: MembershipWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership_watch, "MOST_CHANGES", 1)
    eve = pod.guest("eve")
    pod.log.announced = [entering(2, "eve"), leaving(3, "eve")]
    await pod.write(created("ada"), added("eve"), removed("eve"))
    for _ in range(3):
        await watch.poll()
    assert eve.events() == []
    assert pod.log.reads == 0


async def test_a_round_that_breaks_off_is_begun_anew(
    pod: Pod, rooms: DistantRooms, watch: MembershipWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership_watch, "MOST_CHANGES", 1)
    monkeypatch.setattr(membership_watch, "OVERLAP", timedelta(0))
    pod.member("bob", head=1, joined=1)
    pod.delivery.accept(announced(2))
    pod.log.announced = [leaving(2, "bob"), announced(2)]
    await pod.write(created("ada", "bob"), removed("bob"))
    await asyncio.sleep(0.002)
    rooms.cut_after = 1
    with pytest.raises(Unavailable):
        await watch.poll()
    assert is_in(pod, "bob")
    rooms.cut_after = None
    await watch.poll()
    assert not is_in(pod, "bob")


@pytest.mark.parametrize("here", [0, 50])
async def test_others_have_the_loop_while_crowds_are_looked_at(
    pod: Pod, tasks: Tasks, monkeypatch: pytest.MonkeyPatch, here: int
) -> None:
    """Of those here, everybody is looked at twice: when a change is read and when it is due."""
    for number in range(here):
        pod.guest(f"stranger-{number}")
    watch = watch_of(pod, CrowdedRooms(pod, changes=40, people=50), tasks)
    await watch.poll()
    monkeypatch.setattr(membership_watch, "PEOPLE_AT_ONCE", 100)
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    pod.log.down = True
    tasks.spawn(take_turns(), name="turns")
    await watch.poll()
    assert turns >= 40 * (50 + here) / 100
