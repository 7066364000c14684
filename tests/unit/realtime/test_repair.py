"""What the broker does not bring is found in the store, sooner or later."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.samples import sample
from tests.unit.realtime.parts import GREETING, ROOM, announced, entering, leaving, warming
from tests.unit.realtime.pod import Pod, added, created, removed
from tests.waiting import until
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import Rev, RoomId, Seq, UserId
from whatchat.domain.log import MessagePosted
from whatchat.realtime.repair import Repair
from whatchat.realtime.tasks import Tasks

POST = MessagePosted(message_type="text", content="hi")
RESYNC = ("session:resync", {"reason": "missed"})


@pytest.fixture
def repair(pod: Pod, tasks: Tasks) -> Repair:
    """One that compares when it is told to, and hardly ever else."""
    return Repair(pod.hub, pod.store.rooms, pod.delivery, tasks)


@pytest.fixture
async def rounds(pod: Pod, tasks: Tasks) -> AsyncIterator[None]:
    """One that compares heads all the time."""
    running = asyncio.create_task(
        Repair(pod.hub, pod.store.rooms, pod.delivery, tasks, round_seconds=0.02).run()
    )
    yield
    running.cancel()


@pytest.mark.usefixtures("rounds")
async def test_what_nobody_announced_is_found_within_a_round(pod: Pod) -> None:
    links = [pod.member("ada", joined=1), pod.member("bob", joined=1)]
    pod.log.announced = [announced(rev) for rev in (2, 3)]
    await pod.write(created("ada", "bob"), POST, POST)
    await until(lambda: links[0].revs() == links[1].revs() == [2, 3])
    await asyncio.sleep(0.1)
    assert pod.log.reads == 1, "a room that is complete is not read"
    assert sample(pod.metrics, "gap_repairs_total", cause="heads") == 1
    assert sample(pod.metrics, "gap_repairs_total", cause="hole") == 0


@pytest.mark.usefixtures("rounds")
async def test_a_round_survives_a_store_that_does_not_answer(
    pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads, asked = pod.store.rooms.heads, 0

    async def away(_room_ids: object) -> None:
        nonlocal asked
        asked += 1
        raise Unavailable

    link = pod.member("ada", joined=1)
    pod.log.announced = [announced(2)]
    await pod.write(created("ada"), POST)
    with monkeypatch.context() as patch:
        patch.setattr(pod.store.rooms, "heads", away)
        await until(lambda: asked >= 2)
    assert pod.store.rooms.heads == heads
    await until(lambda: link.revs() == [2])


async def test_after_an_interruption_all_is_compared_at_once(pod: Pod, repair: Repair) -> None:
    link = pod.member("ada", joined=1)
    pod.log.announced = [announced(2)]
    await pod.write(created("ada"), POST)
    repair.broker_resumed()
    await until(lambda: link.revs() == [2])


async def test_a_room_entered_meanwhile_is_entered_and_its_newcomer_asks_anew(
    pod: Pod, repair: Repair
) -> None:
    guest, other = pod.guest("eve"), pod.member("ada", joined=1)
    await pod.write(created("ada"), added("eve"))
    repair.broker_resumed()
    await until(lambda: guest.events() == [RESYNC])
    eve = pod.hub.user(UserId("eve"))
    assert eve
    assert eve.rooms == {ROOM: 2}
    assert RESYNC not in other.events(), "who missed only events is told them"
    repair.broker_resumed()
    await asyncio.sleep(0.05)
    assert guest.events() == [RESYNC]


async def test_who_was_removed_meanwhile_is_out_before_the_room_catches_up(
    pod: Pod, repair: Repair
) -> None:
    ada, bob = (pod.member(name, head=1, joined=1) for name in ("ada", "bob"))
    pod.log.announced = [leaving(2, "bob"), announced(2), announced(3)]
    await pod.write(created("ada", "bob"), removed("bob"), POST)
    repair.broker_resumed()
    await until(lambda: ada.revs() == [2, 3])
    user = pod.hub.user(UserId("bob"))
    assert user
    assert user.rooms == {}
    assert bob.events() == [RESYNC]


async def test_who_alone_did_not_hear_of_the_removal_is_out_and_asks_anew(
    pod: Pod, repair: Repair
) -> None:
    """The room has all that there is: nothing else will tell."""
    bob, ada = (pod.member(name, head=1, joined=1) for name in ("bob", "ada"))
    pod.delivery.accept(announced(2))
    await pod.write(created("ada", "bob"), removed("bob"))
    repair.broker_resumed()
    user = pod.hub.user(UserId("bob"))
    assert user
    await until(lambda: not user.rooms)
    pod.delivery.accept(announced(3))
    pod.delivery.accept(entering(2, "bob"))
    assert [name for name, _ in bob.events()] == ["message:new", "session:resync"]
    assert ada.revs() == [2, 3]
    pod.delivery.accept(entering(4, "bob"))
    assert user.rooms == {ROOM: 4}, "whoever comes in again later is in"


async def test_nothing_held_of_a_room_that_was_left_is_sent(pod: Pod, repair: Repair) -> None:
    pod.member("ada", head=1, joined=1)
    connection, link = warming("bob")
    user = pod.hub.add(connection)
    pod.hub.enter(user, ROOM, Seq(1))
    await pod.write(created("ada", "bob"), removed("bob"))
    pod.delivery.accept(announced(2))
    pod.delivery.accept(announced(3))
    repair.broker_resumed()
    await until(lambda: not user.rooms)
    connection.greet(GREETING, {}, set())
    assert link.events() == [RESYNC]


@pytest.mark.parametrize(("read", "time"), [("joined", 1), ("heads", 1), ("joined", 2)])
async def test_who_comes_in_while_the_store_is_read_stays_in(
    pod: Pod, repair: Repair, read: str, time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out when the store was read, or in above the head that was read: in nevertheless."""
    bob = pod.member("bob", head=1, joined=1)
    user = pod.hub.user(UserId("bob"))
    assert user
    await pod.write(created("ada", "bob"), removed("bob"))
    reads, works = 0, getattr(pod.store.rooms, read)

    async def overtaken(ids: object) -> object:
        nonlocal reads
        reads += 1
        found = await works(ids)
        if reads == time:
            await pod.write(added("bob"), first=3)
            pod.delivery.accept(announced(2))
            pod.delivery.accept(leaving(2, "bob"))
            pod.delivery.accept(announced(3))
            pod.delivery.accept(entering(3, "bob"))
        return found

    monkeypatch.setattr(pod.store.rooms, read, overtaken)
    repair.broker_resumed()
    await until(lambda: user.rooms == {ROOM: 3})
    await asyncio.sleep(0.05)
    assert user.rooms == {ROOM: 3}
    assert RESYNC not in bob.events()


async def test_what_was_left_in_time_is_not_entered_again(pod: Pod, repair: Repair) -> None:
    """The store is read before the leaving is written, and answers after it was heard of."""
    pod.member("bob", head=1, joined=1)
    await pod.write(created("ada", "bob"))
    user = pod.hub.user(UserId("bob"))
    assert user
    pod.hub.leave(user, ROOM, 2)
    repair.broker_resumed()
    await asyncio.sleep(0.05)
    assert user.rooms == {}


async def test_an_interruption_while_the_store_is_away_is_made_up_for_later(
    pod: Pod, repair: Repair, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def away(_user_ids: object) -> None:
        asked.set()
        raise Unavailable

    guest = pod.guest("eve")
    await pod.write(created("ada", "eve"), room="elsewhere")
    monkeypatch.setattr("whatchat.realtime.repair.RETRY_SECONDS", 0.01)
    with monkeypatch.context() as patch:
        patch.setattr(pod.store.rooms, "joined", away)
        repair.broker_resumed()
        await asked.wait()
    await until(lambda: guest.events() == [RESYNC])
    room = pod.hub.room(RoomId("elsewhere"))
    assert room
    await until(lambda: room.feed.position == Rev(1))


async def test_no_error_ends_the_rounds(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    link = pod.member("ada", joined=1)
    pod.log.announced = [announced(2)]
    await pod.write(created("ada"), POST)
    errors = failing_at_first(pod, "heads", monkeypatch)
    tasks = Tasks()
    repair = Repair(pod.hub, pod.store.rooms, pod.delivery, tasks, round_seconds=0.02)
    tasks.spawn(repair.run(), name="rounds")
    await until(lambda: link.revs() == [2])
    assert errors == []
    await tasks.close()


@pytest.mark.parametrize("read", ["joined", "heads"])
async def test_no_error_ends_what_an_interruption_began(
    pod: Pod, repair: Repair, read: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whatchat.realtime.repair.RETRY_SECONDS", 0.01)
    link = pod.member("ada", joined=1)
    pod.log.announced = [announced(2)]
    await pod.write(created("ada"), POST)
    errors = failing_at_first(pod, read, monkeypatch)
    repair.broker_resumed()
    await until(lambda: link.revs() == [2])
    assert errors == []


def failing_at_first(pod: Pod, read: str, monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Have a read of rooms fail in ways that nobody foresaw; what is still to come of it."""
    works = getattr(pod.store.rooms, read)
    errors: list[Exception] = [ZeroDivisionError(), KeyError()]

    async def brittle(ids: object) -> object:
        if errors:
            raise errors.pop()
        return await works(ids)

    monkeypatch.setattr(pod.store.rooms, read, brittle)
    return errors
