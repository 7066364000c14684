"""The ledger is fed with packets as servers send them; what goes wrong in them is found."""

from collections.abc import Callable
from time import monotonic_ns

import msgspec
import pytest
from locust.env import Environment

from loadtests.bench.frames import EPOCH_US
from loadtests.swarm.network.session import MESSAGE, Replied, Reply
from loadtests.swarm.people.ears import Ears, Hearing
from loadtests.swarm.people.ledger import OWN_AGAIN, Room, Seat
from loadtests.swarm.tally import Tally
from loadtests.swarm.timings import DELIVERY, WARMING, Deliveries, Timings

RUN = "0a1b2c3d"
ROOM = "room-of-two"
ME, OTHER = "me", "other"


class Rest:
    """The person around the ears under test, who is told what to answer to ``sync``."""

    def __init__(self) -> None:
        self.gaps = self.receipts = 0
        self.asked: list[tuple[dict[str, object], Replied]] = []

    def ask(self, event: str, body: bytes, replied: Replied) -> bool:
        assert event == "sync"
        self.asked.append((msgspec.json.decode(body), replied))
        return True

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        action()

    def mind_gap(self) -> None:
        self.gaps += 1

    def acknowledge(self, seat: Seat) -> None:
        self.receipts += 1


class Listening:
    """Ears in one room of which all before rev 2 is known, and how to talk to them."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.timings = Timings(Environment())
        self.rest = Rest()
        self.room = Room(ROOM.encode(), range(2))
        self.seat = Seat(self.room)
        self.seat.begun(1)
        self.deliveries = Deliveries(self.timings, "message:new")
        hearing = Hearing(self.tally, self.deliveries, RUN)
        self.ears = Ears(hearing, self.rest, ME, [self.seat])

    def event(self, seq: int, room: str = ROOM) -> None:
        packet = b'42["message:new",%b]' % msgspec.json.encode(
            {"roomId": room, "rev": seq, "message": message(seq)}
        )
        assert packet.startswith(MESSAGE)
        data = b"\x81\x7e.." + packet + b"\x81\x01"
        self.ears.heard(data, 4, 4 + len(packet), now())

    def answer(self, *seqs: int, rev: int, more: bool = False, of: str = ROOM) -> None:
        room = {"roomId": of, "state": "recovered", "rev": rev, "more": False}
        room |= {"messages": [message(seq) for seq in seqs], "receipts": []}
        self._reply({"epoch": "e", "rooms": [room], "removed": [], "more": more})

    def removed(self) -> None:
        self._reply({"epoch": "e", "rooms": [], "removed": [ROOM], "more": False})

    def _reply(self, body: dict[str, object]) -> None:
        _, replied = self.rest.asked.pop(0)
        data = msgspec.json.encode([{"ok": True, "data": body}])
        replied(Reply(True, data, 0, len(data)))

    def sent_by_others(self, *seqs: int) -> None:
        for seq in seqs:
            self.room.accepted.add(seq)


@pytest.fixture
def listening() -> Listening:
    return Listening()


def now() -> int:
    return monotonic_ns() // 1_000


def message(seq: int, sender: str = OTHER) -> dict[str, object]:
    due = now() - 5_000 + EPOCH_US
    return {
        "id": f"{ROOM}{seq}",
        "roomId": ROOM,
        "seq": seq,
        "rev": seq,
        "clientId": f"{RUN}-{due:016d}",
        "sender": {"id": sender, "username": sender, "displayName": sender},
        "content": "hello",
    }


def test_what_comes_in_order_is_held(listening: Listening) -> None:
    listening.sent_by_others(2, 3)
    listening.event(2)
    listening.event(3)
    assert (listening.seat.missing, listening.seat.cursor, listening.rest.gaps) == (0, 3, 0)
    assert (listening.tally.delivered, listening.tally.duplicated) == (2, 0)
    assert all(4_900 < took < 1_000_000 for took in listening.timings.of("delivery", "message:new"))


def test_a_message_that_never_comes_is_lost(listening: Listening) -> None:
    listening.sent_by_others(2, 3, 4)
    listening.event(2)
    listening.event(4)
    assert (listening.seat.cursor, listening.rest.gaps) == (2, 1)
    listening.ears.catch_up([listening.seat], lambda: None)
    listening.answer(4, rev=4)
    assert (listening.seat.cursor, listening.seat.missing) == (4, 1)


def test_a_gap_is_filled_by_sync(listening: Listening) -> None:
    listening.sent_by_others(2, 3, 4)
    listening.event(4)
    done: list[bool] = []
    listening.ears.catch_up([listening.seat], lambda: done.append(True))
    assert listening.rest.asked[0][0] == {"cursors": {ROOM: 1}, "only": True}
    listening.answer(2, rev=2, more=True)
    assert not done
    assert listening.rest.asked[0][0] == {"cursors": {ROOM: 2}, "only": True}
    listening.answer(3, 4, rev=4)
    assert done == [True]
    assert (listening.seat.missing, listening.seat.cursor, listening.seat.has_gap) == (0, 4, False)
    assert (listening.tally.delivered, listening.tally.duplicated) == (3, 0)


def test_an_event_that_comes_twice_on_a_connection_is_duplicated(listening: Listening) -> None:
    listening.event(2)
    listening.event(3)
    listening.event(2)
    assert (listening.tally.duplicated, listening.tally.repeated) == (1, 0)
    assert listening.tally.delivered == 2


def test_a_copy_that_comes_another_way_is_what_the_rule_is_for(listening: Listening) -> None:
    listening.event(2)
    listening.seat.connected()
    listening.event(2)
    assert (listening.tally.duplicated, listening.tally.repeated) == (0, 1)


def test_a_page_that_has_a_message_twice_is_duplicated(listening: Listening) -> None:
    listening.ears.catch_up([listening.seat], lambda: None)
    listening.answer(2, 2, rev=2)
    assert (listening.tally.duplicated, listening.tally.delivered) == (1, 1)


def test_a_message_that_is_stored_twice_is_found(listening: Listening) -> None:
    listening.sent_by_others(2)
    listening.event(2)
    listening.event(3)
    assert listening.room.copies(unresolved=0) == 1
    assert listening.room.copies(unresolved=1) == 0


def test_an_own_message_may_be_heard_once_besides(listening: Listening) -> None:
    listening.seat.said(2)
    listening.event(2)
    assert (listening.tally.duplicated, listening.tally.repeated) == (0, 1)
    listening.event(2)
    assert (listening.tally.duplicated, listening.tally.repeated) == (1, 1)


def test_own_messages_take_no_more_memory_for_ever(listening: Listening) -> None:
    for seq in range(2, 2_000, 2):
        listening.seat.said(seq)
        listening.event(seq + 1)
    assert len(listening.seat._live.runs()) <= OWN_AGAIN + 2
    listening.event(1_998)
    assert (listening.tally.duplicated, listening.tally.repeated) == (0, 1)
    listening.event(4)
    assert (listening.tally.duplicated, listening.tally.repeated) == (1, 1)


def test_others_messages_count_for_nothing(listening: Listening) -> None:
    foreign = message(2) | {"clientId": "another-run-0000000000000001"}
    packet = b'42["message:new",%b]' % msgspec.json.encode(
        {"roomId": ROOM, "rev": 2, "message": foreign}
    )
    listening.ears.heard(packet, 0, len(packet), now())
    assert (listening.tally.delivered, len(listening.room.heard)) == (0, 0)
    assert listening.seat.cursor == 2


def test_what_is_said_where_nobody_asked_to_be_is_misdelivered(listening: Listening) -> None:
    listening.event(2, "another-room")
    assert listening.tally.misdelivered == 1
    listening.ears.catch_up([listening.seat], lambda: None)
    listening.answer(2, 3, rev=3, of="another-room")
    assert (listening.tally.misdelivered, listening.tally.delivered) == (3, 0)


def test_what_sync_brings_took_as_long_as_any_other(listening: Listening) -> None:
    listening.ears.catch_up([listening.seat], lambda: None)
    listening.answer(2, rev=2)
    [took] = listening.timings.of("delivery", "message:new")
    assert 4_900 < took < 1_000_000


def test_who_is_put_out_of_a_room_lacks_what_is_said_there(listening: Listening) -> None:
    listening.ears.changed(msgspec.json.encode({"roomId": ROOM, "rev": 2}))
    listening.ears.catch_up([listening.seat], lambda: None)
    listening.removed()
    listening.sent_by_others(3)
    assert [seat.missing for seat in listening.ears.seats.values()] == [1]


def test_another_history_makes_the_cursor_void(listening: Listening) -> None:
    listening.event(2)
    listening.event(9)
    listening.seat.void()
    assert (listening.seat.cursor, listening.seat.has_gap) == (0, False)


def test_what_was_due_before_the_hold_is_timed_by_itself(listening: Listening) -> None:
    listening.sent_by_others(2, 3)
    listening.event(2)
    listening.deliveries.begin_us = now() + EPOCH_US
    listening.event(3)
    took = [listening.timings.of(kind, "message:new") for kind in (DELIVERY, WARMING)]
    assert [len(some) for some in took] == [1, 1]
    assert listening.tally.delivered == 2
