"""One client: what it is sent before and after its greeting, and how it is closed."""

import asyncio

import pytest

from tests.unit.realtime.parts import GREETING, ROOM, NotedLink, actor, greeted, warming
from whatchat.domain.errors import Unauthenticated, Unavailable
from whatchat.domain.ids import RoomId
from whatchat.realtime.codec import event_frame
from whatchat.realtime.connection import MAX_BEGUN, MAX_HELD, VOLATILE_BYTES, Connection
from whatchat.realtime.frame import Frame
from whatchat.realtime.link import DRAINING, MALFORMED, SLOW_CONSUMER


def change(rev: int) -> Frame:
    return event_frame("message:new", b'{"rev":%d}' % rev)


def test_the_greeting_comes_first_and_what_was_held_above_it_behind() -> None:
    connection, link = warming("ada")
    for rev in (3, 4, 5, 6):
        connection.deliver(change(rev), ROOM, rev)
    connection.deliver(change(1), RoomId("entered meanwhile"), 1)
    assert link.frames == []
    connection.greet(GREETING, {ROOM: 4}, set())
    assert link.frames[0].text.startswith('42["session:moving"')
    assert link.revs() == [5, 6, 1]


def test_of_a_room_that_is_behind_only_what_was_not_told_follows() -> None:
    connection, link = warming("ada")
    connection.greet(GREETING, {ROOM: 6}, {ROOM})
    for rev in (5, 6, 7, 8):
        connection.deliver(change(rev), ROOM, rev)
    connection.deliver(change(1), RoomId("other"), 1)
    connection.deliver(change(0), ROOM)
    assert link.revs() == [7, 8, 1, 0]


def test_what_is_held_is_bounded_and_the_client_asked_to_sync() -> None:
    connection, link = warming("ada")
    for rev in range(1, MAX_HELD + 50):
        connection.deliver(change(rev), ROOM, rev)
    connection.greet(GREETING, {}, set())
    names = [name for name, _ in link.events()]
    assert names.count("message:new") == MAX_HELD
    assert names[-1] == "session:resync"


def test_what_is_volatile_is_dropped_first_and_all_else_still_sent() -> None:
    connection, link = greeted("ada")
    link.congested, link.buffered = True, VOLATILE_BYTES
    connection.deliver(change(1), volatile=True)
    assert link.revs() == [1], "there is room for a little"
    connection.deliver(change(2), volatile=True)
    connection.deliver(change(3), ROOM, 3)
    assert link.revs() == [1, 3]
    link.congested = False
    connection.deliver(change(4), volatile=True)
    assert link.revs() == [1, 3, 4]
    assert connection.closing is None


def test_what_is_volatile_is_not_held_for_a_warming_socket() -> None:
    connection, link = warming("ada")
    connection.deliver(change(1), volatile=True)
    connection.deliver(change(2), ROOM, 2)
    connection.greet(GREETING, {}, set())
    assert link.revs() == [2]


@pytest.mark.parametrize("closing", [MALFORMED, DRAINING])
def test_closing_is_told_and_only_a_final_one_disconnects(closing: tuple[int, bool]) -> None:
    connection, link = greeted("ada")
    connection.close(MALFORMED if closing == MALFORMED else DRAINING)
    connection.close(SLOW_CONSUMER)
    connection.deliver(change(1), ROOM, 1)
    texts = [frame.text for frame in link.frames][1:]
    if closing == MALFORMED:
        assert texts == ['42["session:closing",{"code":4400,"resume":false}]', "41"]
    else:
        assert texts == ['42["session:closing",{"code":4503,"resume":true}]']
    assert link.closing == closing


def test_a_socket_that_was_not_greeted_is_closed_without_a_word() -> None:
    connection, link = warming("ada")
    connection.close(MALFORMED)
    assert (link.frames, link.closing) == ([], MALFORMED)


def test_a_connection_needs_a_session() -> None:
    without = actor("ada").__class__(
        user_id=actor("ada").user_id,
        device_id=actor("ada").device_id,
        grant_id=actor("ada").grant_id,
        expires_at=0,
        address="",
    )
    with pytest.raises(Unauthenticated):
        Connection(without, NotedLink())


def test_a_connection_has_no_dictionary_of_its_own() -> None:
    assert not hasattr(greeted("ada")[0], "__dict__")


async def test_a_bounded_number_of_commands_go_on_by_themselves() -> None:
    connection = Connection(actor("ada"), NotedLink())
    loop = asyncio.get_running_loop()
    begun = [loop.create_future() for _ in range(MAX_BEGUN)]
    for command in begun:
        assert connection.may_begin
        connection.begin(command)
    assert not connection.may_begin
    settled = asyncio.create_task(connection.settled())
    for command in begun[1:]:
        command.set_result(None)
    await asyncio.sleep(0.01)
    assert connection.may_begin
    assert not settled.done()
    begun[0].set_exception(Unavailable())
    await settled
    await connection.settled()
