"""From the broker to the sockets: holes are filled, and entering amid events loses none."""

import asyncio
import time

from tests.samples import sample
from tests.unit.realtime.parts import ROOM, announced, entering, in_passing, leaving
from tests.unit.realtime.pod import Pod, added, created
from tests.waiting import until
from whatchat.domain.audience import InRoom
from whatchat.realtime.delivery import EMPTY_READS, HOLE_SECONDS


async def test_a_hole_is_filled_from_the_store_once_for_all_sockets(pod: Pod) -> None:
    links = [pod.member("ada"), pod.member("bob")]
    pod.log.announced = [announced(rev) for rev in range(1, 6)]
    start = time.monotonic()
    for rev in (1, 4, 5):
        pod.delivery.accept(announced(rev))
    assert links[0].revs() == [1]
    await until(lambda: links[0].revs() == [1, 2, 3, 4, 5])
    assert time.monotonic() - start >= HOLE_SECONDS * 0.9
    assert links[1].revs() == [1, 2, 3, 4, 5]
    assert pod.log.reads == 1
    await until(lambda: sample(pod.metrics, "gap_repairs_total", cause="hole") == 1)
    assert sample(pod.metrics, "gap_repairs_total", cause="heads") == 0


async def test_a_hole_that_closes_by_itself_costs_no_read(pod: Pod) -> None:
    link = pod.member("ada")
    for rev in (3, 2, 1):
        pod.delivery.accept(announced(rev))
    assert link.revs() == [1, 2, 3]
    await asyncio.sleep(HOLE_SECONDS * 1.5)
    assert pod.log.reads == 0
    assert sample(pod.metrics, "gap_repairs_total", cause="hole") == 0


async def test_what_is_volatile_never_waits_and_is_no_part_of_the_room(pod: Pod) -> None:
    link = pod.member("ada", head=4)
    pod.delivery.accept(announced(6))
    for _ in range(2):
        pod.delivery.accept(in_passing())
    assert link.revs() == [0, 0], "it passes by the hole, and is not taken for a repetition"
    room = pod.hub.room(ROOM)
    assert room
    assert (room.feed.position, room.out) == (4, 4)
    pod.delivery.accept(announced(5))
    assert link.revs() == [0, 0, 5, 6]
    pod.delivery.accept(in_passing(room="unknown"))
    assert link.revs() == [0, 0, 5, 6]


async def test_a_long_hole_is_filled_page_by_page(pod: Pod) -> None:
    link = pod.member("ada")
    pod.log.announced = [announced(rev) for rev in range(1, 701)]
    pod.delivery.accept(announced(700))
    await until(lambda: len(link.revs()) == 700)
    assert link.revs() == list(range(1, 701))
    assert pod.log.reads == 4


async def test_while_the_store_is_away_a_hole_waits(pod: Pod) -> None:
    link = pod.member("ada")
    pod.log.announced, pod.log.down = [announced(1), announced(2)], True
    pod.delivery.accept(announced(2))
    await until(lambda: pod.log.reads >= 2)
    assert link.revs() == []
    pod.log.down = False
    await until(lambda: link.revs() == [1, 2])


async def test_a_hole_that_the_store_does_not_know_is_given_up(pod: Pod) -> None:
    link = pod.member("ada")
    pod.delivery.accept(announced(2))
    await until(lambda: link.revs() == [2])
    assert pod.log.reads == EMPTY_READS
    assert sample(pod.metrics, "gap_repairs_total", cause="given_up") == 1


async def test_filling_ends_with_the_last_member(pod: Pod) -> None:
    pod.member("ada")
    pod.delivery.accept(announced(2))
    (connection,) = list(pod.hub)
    pod.hub.remove(connection)
    await asyncio.sleep(HOLE_SECONDS * 2)
    assert pod.log.reads == 0


async def test_events_without_a_rev_pass_at_once(pod: Pod) -> None:
    link = pod.member("ada")
    pod.delivery.accept(announced(5))
    pod.delivery.accept(announced(0, event="typing:start"))
    assert [name for name, _ in link.events()] == ["typing:start"]


async def test_leaving_does_not_wait_for_a_hole(pod: Pod) -> None:
    ada, bob = pod.member("ada"), pod.member("bob")
    pod.delivery.accept(leaving(3, "bob"))
    for rev in (3, 2, 1):
        pod.delivery.accept(announced(rev))
    assert ada.revs() == [1, 2, 3]
    assert bob.events() == [("room:removed", {"roomId": "room", "rev": 3})]


async def test_entering_waits_for_its_place_in_the_room(pod: Pod) -> None:
    ada, bob = pod.member("ada"), pod.guest("bob")
    pod.delivery.accept(entering(2, "bob"))
    pod.delivery.accept(announced(3))
    pod.delivery.accept(announced(2, event="room:updated"))
    assert bob.events() == []
    pod.delivery.accept(announced(1))
    assert ada.revs() == [1, 2, 3]
    assert bob.events() == [
        ("room:created", {"roomId": "room", "rev": 2}),
        ("message:new", {"roomId": "room", "rev": 3}),
    ]


async def test_a_room_entered_is_followed_from_the_entering_on(pod: Pod) -> None:
    bob = pod.guest("bob")
    # Three changes happen before this pod has subscribed to the room.
    await pod.write(created("ada", "bob"), added("eve"), added("dan"))
    pod.log.announced = [entering(1, "bob"), announced(2), announced(3)]
    pod.delivery.accept(entering(1, "bob"))
    assert bob.events() == [("room:created", {"roomId": "room", "rev": 1})]
    await until(lambda: ROOM in pod.rooms.now)
    await until(lambda: bob.revs() == [1, 2, 3])
    pod.delivery.accept(announced(4))
    assert bob.revs() == [1, 2, 3, 4]


async def test_a_room_entered_while_the_broker_is_away_is_followed_later(pod: Pod) -> None:
    bob = pod.guest("bob")
    await pod.write(created("ada", "bob"), added("eve"))
    pod.log.announced = [announced(2)]
    pod.rooms.down = True
    pod.delivery.accept(entering(1, "bob"))
    await asyncio.sleep(0.02)
    assert bob.revs() == [1]
    pod.rooms.down = False
    await until(lambda: bob.revs() == [1, 2])


async def test_what_is_for_others_passes_by(pod: Pod) -> None:
    bob = pod.guest("bob")
    pod.delivery.accept(entering(1, "eve"))
    pod.delivery.accept(announced(2, InRoom(room_id=ROOM)))
    assert bob.events() == []
    assert pod.hub.room(ROOM) is None
