"""What a pod remembers, and that it forgets."""

from itertools import count

import pytest

from whatchat.domain.debugging import SocketRow
from whatchat.domain.ids import DeviceId, RoomId, SessionId, UserId
from whatchat.observability import flight_recorder
from whatchat.observability.flight_recorder import (
    KEPT_COMMANDS,
    KEPT_ERRORS,
    MAX_CLOSED,
    MAX_MESSAGES,
    FlightRecorder,
)

ROOM = RoomId("room")
ADA, BOB = SessionId("ada's socket"), SessionId("bob's socket")


@pytest.fixture
def flights() -> FlightRecorder:
    """One whose clock ticks with every look."""
    ticks = count(1)
    return FlightRecorder(lambda: float(next(ticks)))


def row(socket: str) -> SocketRow:
    return SocketRow(
        socket=socket,
        pod="pod",
        user_id=UserId("ada"),
        device_id=DeviceId("phone"),
        transport="websocket",
        address="127.0.0.1",
        state="closed",
        rooms=1,
        outbox_bytes=0,
    )


def test_a_socket_s_last_commands_are_kept_the_latest_first(flights: FlightRecorder) -> None:
    for number in range(KEPT_COMMANDS + 3):
        flights.command(ADA, f"Command{number}", "ok", 0.25)
    kept = flights.commands_of(ADA)
    assert [one.name for one in kept] == [f"Command{n}" for n in range(10, 2, -1)]
    assert {(one.outcome, one.ms) for one in kept} == {("ok", 250.0)}
    assert kept[0].at == KEPT_COMMANDS + 3
    assert flights.commands_of(BOB) == flights.errors_of(ADA) == []


def test_what_succeeds_pushes_no_failure_out(flights: FlightRecorder) -> None:
    for _ in range(KEPT_ERRORS + 1):
        flights.command(ADA, "SendMessage", "forbidden", 0.001)
    for _ in range(KEPT_COMMANDS):
        flights.command(ADA, "SendMessage", "ok", 0.001)
    assert [one.outcome for one in flights.errors_of(ADA)] == ["forbidden"] * KEPT_ERRORS
    assert [one.outcome for one in flights.commands_of(ADA)] == ["ok"] * KEPT_COMMANDS


def test_a_socket_that_goes_takes_its_commands_along(flights: FlightRecorder) -> None:
    flights.command(ADA, "SendMessage", "ok", 0.001)
    flights.closed(ADA, row("a"), (ROOM,))
    flights.command(ADA, "EditMessage", "invalid", 0.001)
    (gone,) = flights.all_closed()
    assert [one.name for one in flights.unpacked(gone.commands)] == ["EditMessage", "SendMessage"]
    assert [one.outcome for one in flights.unpacked(gone.errors)] == ["invalid"]
    assert (flights.commands_of(ADA), flights.errors_of(ADA)) == ([], [])
    assert flights.row_of(ADA) == row("a")


def test_the_last_sockets_that_went_are_kept(flights: FlightRecorder) -> None:
    for number in range(MAX_CLOSED + 2):
        flights.closed(SessionId(str(number)), row(str(number)), ())
    kept = [closed.row.socket for closed in flights.all_closed()]
    assert kept == [str(number) for number in range(2, MAX_CLOSED + 2)]


def test_a_message_is_published_once(flights: FlightRecorder) -> None:
    flights.published(ROOM, 1)
    assert flights.sent(ROOM, 1) is None
    flights.persisted(ROOM, 1, UserId("ada"), 0.5, 0.75)
    flights.published(ROOM, 1)
    flights.published(ROOM, 1)
    sent = flights.sent(ROOM, 1)
    assert sent is not None
    assert (sent.accepted_at, sent.persisted_at, sent.published_at) == (0.5, 0.75, 1.0)


def test_the_oldest_messages_are_forgotten(flights: FlightRecorder) -> None:
    sockets = (ADA, BOB)
    for rev in range(1, MAX_MESSAGES + 3):
        flights.persisted(ROOM, rev, UserId("ada"), 0.0, 0.0)
        flights.handed(ROOM, rev, sockets, None)
    assert flights.messages_remembered == MAX_MESSAGES
    assert (flights.sent(ROOM, 2), flights.handed_to(ROOM, 2)) == (None, None)
    assert flights.sent(ROOM, 3) is not None
    handed = flights.handed_to(ROOM, MAX_MESSAGES + 2)
    assert handed is not None
    assert handed.session_ids is sockets, "shared by all of them"


def test_so_many_sockets_are_listed_and_the_same_list_counts_once(
    flights: FlightRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flight_recorder, "MAX_LISTED", 14)
    same = tuple(SessionId(str(number)) for number in range(6))
    for rev in range(1, 9):
        flights.handed(ROOM, rev, same, ADA)
    assert flights.messages_remembered == 8
    flights.handed(ROOM, 9, (*same, ADA), ADA)
    assert [rev for rev in range(10) if flights.handed_to(ROOM, rev)] == [9]
    flights.handed(ROOM, 10, same * 3, None)
    assert flights.messages_remembered == 0, "too many by themselves"
    flights.handed(ROOM, 11, same, None)
    assert flights.handed_to(ROOM, 11) is not None


def test_a_receipt_is_of_everything_before_it(flights: FlightRecorder) -> None:
    ada, phone = UserId("ada"), DeviceId("phone")
    flights.acknowledged(ROOM, ada, phone, 3, is_read=False)
    flights.acknowledged(ROOM, ada, phone, 5, is_read=False)
    flights.acknowledged(ROOM, ada, phone, 5, is_read=True)
    flights.acknowledged(RoomId("other"), ada, phone, 9, is_read=True)
    assert [(one.seq, one.is_read) for one in flights.receipts(ROOM, 3)] == [(3, False), (5, True)]
    assert [(one.seq, one.is_read) for one in flights.receipts(ROOM, 4)] == [(5, False), (5, True)]
    assert flights.receipts(ROOM, 6) == []
    flights.acknowledged(ROOM, UserId("bob"), phone, 5, is_read=True)
    told = flights.receipts(ROOM, 5)
    assert [one.user_id for one in told if one.is_read] == ["ada", "bob"], "clients name devices"
