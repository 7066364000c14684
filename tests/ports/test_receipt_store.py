"""What every store of receipts guarantees."""

import asyncio
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.ports.test_room_store import ADA, BOB, EVE, POST, append, created
from whatchat.domain.ids import DeviceId, RoomId, Seq, UserId, random_id
from whatchat.domain.log import MemberRemoved, MembersAdded, RoleChanged
from whatchat.domain.ports.receipt_store import Cursors, Move, Moved, ReceiptCount
from whatchat.domain.ports.store import Store
from whatchat.domain.receipts import MAX_DEVICES, after_move, devices_after
from whatchat.domain.room_state import Member

PHONE, TABLET = DeviceId("phone"), DeviceId("tablet")
OVERLAP = timedelta(seconds=10)


def move(
    room_id: RoomId,
    user_id: UserId = BOB,
    *,
    delivered: int | None = None,
    read: int | None = None,
    shown: bool = True,
    device: DeviceId = PHONE,
) -> Move:
    return Move(
        room_id=room_id,
        user_id=user_id,
        device_id=device,
        delivered_seq=None if delivered is None else Seq(delivered),
        read_seq=None if read is None else Seq(read),
        shown_delivered_seq=Seq(delivered) if shown and delivered is not None else None,
        shown_read_seq=Seq(read) if shown and read is not None else None,
    )


def cursors(delivered: int, read: int, shown_delivered: int, shown_read: int) -> Cursors:
    return Cursors(
        delivered_seq=Seq(delivered),
        read_seq=Seq(read),
        shown_delivered_seq=Seq(shown_delivered),
        shown_read_seq=Seq(shown_read),
    )


async def room(store: Store, *people: UserId) -> RoomId:
    room_id = RoomId(random_id())
    await append(store, room_id, created(*(people or (ADA, BOB))))
    return room_id


async def moved(store: Store, one: Move) -> Moved | None:
    (found,) = await store.receipts.advance([one])
    return found


async def member(store: Store, room_id: RoomId, user_id: UserId = BOB) -> Member:
    found = await store.rooms.membership(room_id, user_id)
    assert found is not None
    return found.member


async def test_cursors_only_ever_grow(store: Store) -> None:
    room_id = await room(store)
    assert await moved(store, move(room_id, delivered=5)) == Moved(
        before=cursors(0, 0, 0, 0), after=cursors(5, 0, 5, 0)
    )
    assert await moved(store, move(room_id, read=3)) == Moved(
        before=cursors(5, 0, 5, 0), after=cursors(5, 3, 5, 3)
    )
    same = Moved(before=cursors(5, 3, 5, 3), after=cursors(5, 3, 5, 3))
    assert await moved(store, move(room_id, delivered=4, read=2)) == same
    found = await member(store, room_id)
    assert (found.delivered_seq, found.read_seq) == (5, 3)
    assert (found.shown_delivered_seq, found.shown_read_seq) == (5, 3)
    assert await member(store, room_id, ADA) == Member(user_id=ADA, role="admin", joined_seq=Seq(1))


async def test_what_is_read_is_delivered_and_what_is_not_shown_stays_hidden(store: Store) -> None:
    room_id = await room(store)
    first = await moved(store, move(room_id, read=4, shown=False))
    assert first == Moved(before=cursors(0, 0, 0, 0), after=cursors(4, 4, 0, 0))
    again = await moved(store, move(room_id, read=4))
    assert again == Moved(before=cursors(4, 4, 0, 0), after=cursors(4, 4, 0, 0))
    later = await moved(store, move(room_id, read=5))
    assert later == Moved(before=cursors(4, 4, 0, 0), after=cursors(5, 5, 5, 5))


async def test_several_moves_of_a_member_are_one(store: Store) -> None:
    room_id = await room(store)
    moves = [
        move(room_id, delivered=3),
        move(room_id, ADA, delivered=9),
        move(room_id, EVE, delivered=1),
        move(room_id, read=2, device=TABLET),
    ]
    found = await store.receipts.advance(moves)
    bobs = Moved(before=cursors(0, 0, 0, 0), after=cursors(3, 2, 3, 2))
    adas = Moved(before=cursors(0, 0, 0, 0), after=cursors(9, 0, 9, 0))
    assert found == [bobs, adas, None, bobs]
    assert await store.receipts.devices(room_id) == {
        BOB: {PHONE: 3, TABLET: 2},
        ADA: {PHONE: 9},
    }


async def test_nobody_else_has_cursors(store: Store) -> None:
    room_id = await room(store)
    assert await store.receipts.advance([]) == []
    assert await moved(store, move(room_id, EVE, read=1)) is None
    assert await moved(store, move(RoomId(random_id()), read=1)) is None
    await append(store, room_id, MemberRemoved(user_id=BOB))
    assert await moved(store, move(room_id, read=1)) is None
    assert await store.receipts.devices(room_id) == {}


async def test_whoever_comes_in_again_begins_anew(store: Store) -> None:
    room_id = await room(store)
    await moved(store, move(room_id, read=1))
    await append(store, room_id, RoleChanged(user_id=BOB, role="admin"))
    assert (await member(store, room_id)).read_seq == 1
    await append(store, room_id, MemberRemoved(user_id=BOB), MembersAdded(user_ids=(BOB,)))
    assert await member(store, room_id) == Member(user_id=BOB, role="member", joined_seq=Seq(4))
    assert await store.receipts.devices(room_id) == {}
    again = await moved(store, move(room_id, delivered=4))
    assert again == Moved(before=cursors(0, 0, 0, 0), after=cursors(4, 0, 4, 0))


async def test_each_device_has_got_as_far_as_it_has(store: Store) -> None:
    room_id = await room(store)
    await moved(store, move(room_id, delivered=5))
    await moved(store, move(room_id, delivered=3, device=TABLET))
    await moved(store, move(room_id, delivered=2, device=TABLET))
    assert await store.receipts.devices(room_id) == {BOB: {PHONE: 5, TABLET: 3}}
    assert (await member(store, room_id)).delivered_seq == 5


async def test_of_too_many_devices_those_furthest_behind_are_forgotten(store: Store) -> None:
    room_id = await room(store)
    for number in range(1, MAX_DEVICES + 3):
        await moved(store, move(room_id, delivered=number, device=DeviceId(f"d{number}")))
    devices = (await store.receipts.devices(room_id))[BOB]
    assert sorted(devices.values()) == list(range(3, MAX_DEVICES + 3))


async def test_moves_at_the_same_time_lose_nothing(store: Store) -> None:
    room_id = await room(store)
    await asyncio.gather(
        *(
            store.receipts.advance(
                [move(room_id, delivered=seq, read=21 - seq, device=DeviceId(f"d{seq}"))]
            )
            for seq in range(1, 21)
        )
    )
    found = await member(store, room_id)
    assert (found.delivered_seq, found.read_seq) == (20, 20)
    assert len((await store.receipts.devices(room_id))[BOB]) == 20


async def test_rooms_whose_receipts_changed_are_found(store: Store) -> None:
    rooms = [await room(store) for _ in range(3)]
    await moved(store, move(rooms[0], read=1))
    begun = await store.receipts.changed(ADA, rooms, None)
    assert begun.room_ids == frozenset()
    await moved(store, move(rooms[1], delivered=1))
    later = await store.receipts.changed(ADA, rooms[1:], begun.read_at - OVERLAP)
    assert later.room_ids == {rooms[1]}
    assert later.read_at >= begun.read_at
    beyond = later.read_at + timedelta(seconds=5)
    assert (await store.receipts.changed(ADA, rooms, beyond)).room_ids == frozenset()
    assert (await store.receipts.changed(ADA, [], begun.read_at)).room_ids == frozenset()


async def test_what_is_not_shown_changes_nothing_for_others(store: Store) -> None:
    room_id = await room(store)
    since = (await store.receipts.changed(ADA, [room_id], None)).read_at - OVERLAP
    await moved(store, move(room_id, read=1, shown=False))
    assert (await store.receipts.changed(ADA, [room_id], since)).room_ids == frozenset()
    assert (await store.receipts.changed(BOB, [room_id], since)).room_ids == {room_id}


async def test_those_who_got_as_far_are_counted(store: Store) -> None:
    room_id = await room(store, ADA, BOB, EVE, UserId("dan"))
    await store.receipts.advance(
        [
            move(room_id, ADA, read=9),
            move(room_id, BOB, read=4),
            move(room_id, EVE, delivered=5),
            move(room_id, UserId("dan"), read=5, shown=False),
        ]
    )
    counted = [await store.receipts.count(room_id, Seq(seq), without=ADA) for seq in (4, 5, 6)]
    assert counted == [
        ReceiptCount(delivered=2, read=1),
        ReceiptCount(delivered=1, read=0),
        ReceiptCount(delivered=0, read=0),
    ]


async def test_authors_of_a_span_are_known_with_their_newest_messages(store: Store) -> None:
    room_id = await room(store)
    await append(store, room_id, POST, RoleChanged(user_id=BOB, role="admin"), POST, POST)
    assert await store.receipts.authors(room_id, after=Seq(2), upto=Seq(4)) == {ADA: 4}
    assert await store.receipts.authors(room_id, after=Seq(2), upto=Seq(3)) == {}
    await append(store, room_id, replace(POST, hidden=True))
    assert await store.receipts.authors(room_id, after=Seq(2), upto=Seq(9)) == {ADA: 5}
    assert await store.receipts.authors(room_id, after=Seq(5), upto=Seq(9)) == {}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=6))
def test_the_order_of_moves_makes_no_difference(steps: list[tuple[int, int]]) -> None:
    room_id = RoomId("room")
    moves = [move(room_id, delivered=one, read=other) for one, other in steps]
    forth, back = Cursors(), Cursors()
    for one in moves:
        forth = after_move(forth, one)
    for one in reversed(moves):
        back = after_move(back, one)
    assert forth == back
    assert devices_after({}, moves) == devices_after({}, moves[::-1])
