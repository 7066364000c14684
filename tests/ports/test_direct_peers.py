"""Who shares direct rooms with whom, as every store knows it."""

from itertools import combinations

from tests.ports.test_room_store import POST, START
from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, UserId, random_id
from whatchat.domain.log import AnyChange, Entry, MessageDeleted, ReactionChanged, RoomCreated
from whatchat.domain.models import RoomKind, RoomSettings
from whatchat.domain.ports.room_store import DirectPeer
from whatchat.domain.ports.store import Store

ADA, BOB, EVE, DAN = UserId("ada"), UserId("bob"), UserId("eve"), UserId("dan")


async def append(store: Store, room_id: RoomId, actor_id: UserId, change: AnyChange) -> None:
    head = (await store.rooms.heads([room_id])).get(room_id, 0)
    entry = Entry(
        room_id=room_id,
        rev=Rev(head + 1),
        actor_id=actor_id,
        client_id=ClientId(random_id()),
        digest=b"d",
        at=START,
        pod="pod",
        change=change,
    )
    assert (await store.messages.append([entry])).count == 1


async def room(
    store: Store, *people: UserId, kind: RoomKind = "direct", concealed: bool = False
) -> RoomId:
    room_id = RoomId(random_id())
    created = RoomCreated(
        room_kind=kind,
        name="",
        description="",
        settings=RoomSettings(),
        members=people,
        concealed=concealed,
    )
    await append(store, room_id, people[0], created)
    return room_id


def peer(user_id: UserId, *, reached_out: bool, was_reached: bool) -> DirectPeer:
    return DirectPeer(user_id=user_id, reached_out=reached_out, was_reached=was_reached)


async def test_only_who_created_the_room_has_reached_out_at_first(store: Store) -> None:
    assert await store.rooms.direct_peers([ADA]) == {}
    await room(store, ADA, BOB)
    assert await store.rooms.direct_peers([ADA, BOB, EVE]) == {
        ADA: [peer(BOB, reached_out=True, was_reached=False)],
        BOB: [peer(ADA, reached_out=False, was_reached=True)],
    }


async def test_writing_and_reacting_reach_out_and_stay_so(store: Store) -> None:
    room_id = await room(store, ADA, BOB)
    await append(store, room_id, ADA, POST)
    assert (await store.rooms.direct_peers([BOB]))[BOB][0].reached_out is False
    reaction = ReactionChanged(seq=Seq(2), emoji="👍", present=True)
    await append(store, room_id, BOB, reaction)
    both = {BOB: [peer(ADA, reached_out=True, was_reached=True)]}
    assert await store.rooms.direct_peers([BOB]) == both
    await append(store, room_id, BOB, ReactionChanged(seq=Seq(2), emoji="👍", present=False))
    await append(store, room_id, ADA, MessageDeleted(seq=Seq(2)))
    assert await store.rooms.direct_peers([BOB]) == both

    other = await room(store, EVE, BOB)
    await append(store, other, BOB, POST)
    peers = (await store.rooms.direct_peers([BOB]))[BOB]
    assert {one.user_id: one.reached_out for one in peers} == {ADA: True, EVE: True}


async def test_groups_and_concealed_rooms_make_no_peers(store: Store) -> None:
    group = await room(store, ADA, BOB, kind="group")
    await append(store, group, BOB, POST)
    await room(store, ADA, EVE, concealed=True)
    assert await store.rooms.direct_peers([ADA, BOB, EVE]) == {}


async def test_many_are_asked_about_at_once(store: Store) -> None:
    crowd = [UserId(f"user-{number}") for number in range(12)]
    for one, two in combinations(crowd, 2):
        room_id = await room(store, one, two)
        for _ in range(2):
            await append(store, room_id, one, POST)
    found = await store.rooms.direct_peers(crowd[:6])
    assert sorted(found) == sorted(crowd[:6])
    for user_id, peers in found.items():
        place = crowd.index(user_id)
        assert {one.user_id: (one.reached_out, one.was_reached) for one in peers} == {
            other: (number > place, number < place)
            for number, other in enumerate(crowd)
            if number != place
        }
