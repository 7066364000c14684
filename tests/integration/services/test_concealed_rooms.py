"""Direct rooms that blocked people open."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.integration.services.conftest import House, PodServices, actor
from tests.waiting import until
from whatchat.domain.actor import Actor
from whatchat.domain.audience import Announcement, ToUser
from whatchat.domain.errors import NotFound, Unavailable
from whatchat.domain.ids import ClientId, RoomId, UserId, random_id
from whatchat.domain.models import Room
from whatchat.domain.ports.block_store import BlockChange
from whatchat.features.blocking.contract import BlockUser, UnblockUser
from whatchat.features.messages.contract import SendMessage
from whatchat.features.rooms.contract import CreateRoom, GetRoom, JoinRoom, ListMembers, ListRooms

ADA, BOB = actor("ada"), actor("bob")
UNBLOCK = UnblockUser(user_id=ADA.user_id)


@dataclass
class Exchange:
    """All that is announced."""

    heard: list[Announcement] = field(default_factory=list)

    def entered(self, who: Actor) -> list[Announcement]:
        return [
            one
            for one in self.heard
            if isinstance(one.audience, ToUser) and one.audience.user_id == who.user_id
        ]


@pytest.fixture
async def pod(house: House) -> PodServices:
    return await house.pod()


@pytest.fixture
async def told(pod: PodServices) -> Exchange:
    exchange = Exchange()
    pod.broker.listen(exchange.heard.append)
    await pod.broker.subscribe_users([ADA.user_id, BOB.user_id])
    return exchange


@pytest.fixture
async def room(pod: PodServices, told: Exchange) -> Room:
    """Ada's, with Bob, who blocks her; she has written there."""
    await pod.blocking.block(BOB, BlockUser(user_id=ADA.user_id))
    room = await opened(pod, ADA, "bob")
    await pod.send("ada", room.id)
    return room


async def opened(pod: PodServices, by: Actor, other: str) -> Room:
    command = CreateRoom(kind="direct", participants=(UserId(other),))
    return (await pod.rooms.create(by, command)).value


async def rooms_of(pod: PodServices, who: Actor) -> list[RoomId]:
    return [one.id for one in (await pod.rooms.list(who, ListRooms())).rooms]


async def test_it_is_not_there_for_whoever_blocked(
    pod: PodServices, told: Exchange, room: Room
) -> None:
    assert await rooms_of(pod, BOB) == []
    assert await rooms_of(pod, ADA) == [room.id]
    for asking in (
        pod.rooms.get(BOB, GetRoom(room_id=room.id)),
        pod.rooms.members(BOB, ListMembers(room_id=room.id)),
        pod.messages.send(
            BOB, SendMessage(room_id=room.id, client_id=ClientId(random_id()), content="hi")
        ),
    ):
        with pytest.raises(NotFound):
            await asking
    assert told.entered(BOB) == []
    assert len(told.entered(ADA)) == 1


async def test_whoever_is_blocked_sees_what_anybody_sees(pod: PodServices, room: Room) -> None:
    twin = await opened(pod, ADA, "eve")
    assert len(room.participants) == len(twin.participants) == 2
    people = (await pod.rooms.members(ADA, ListMembers(room_id=room.id))).members
    assert [one.user.id for one in people] == ["ada", "bob"]
    again = await pod.rooms.create(ADA, CreateRoom(kind="direct", participants=(BOB.user_id,)))
    assert not again.created
    assert again.value.id == room.id


async def test_unblocking_reveals_it_and_tells_so(
    pod: PodServices, told: Exchange, room: Room
) -> None:
    await pod.blocking.unblock(BOB, UNBLOCK)
    assert await rooms_of(pod, BOB) == [room.id]
    (entered,) = told.entered(BOB)
    assert entered.event == "room:created"
    assert entered.rev == 2
    assert isinstance(entered.audience, ToUser)
    assert (entered.audience.enters, entered.audience.joined_seq) == (room.id, 1)
    await pod.blocking.unblock(BOB, UNBLOCK)
    assert len(told.entered(BOB)) == 1


async def test_nothing_written_before_is_unread_after_it(pod: PodServices, room: Room) -> None:
    await pod.blocking.unblock(BOB, UNBLOCK)
    await pod.send("ada", room.id, "now")
    (shown,) = (await pod.rooms.list(BOB, ListRooms())).rooms
    assert shown.unread == 1
    assert getattr(shown.last_message, "content", None) == "now"


async def test_whoever_blocked_cannot_join_it(pod: PodServices, room: Room) -> None:
    nowhere = RoomId("no-such-room-anywhere-")
    for room_id in (room.id, nowhere):
        with pytest.raises(NotFound) as refused:
            await pod.rooms.join(BOB, JoinRoom(room_id=room_id))
        assert refused.value.text == "no such room"


async def test_it_brings_no_words_of_whoever_opened_it(pod: PodServices, told: Exchange) -> None:
    named = CreateRoom(
        kind="direct", participants=(BOB.user_id,), name="unheard", description="unheard"
    )
    await pod.blocking.block(BOB, BlockUser(user_id=ADA.user_id))
    room = (await pod.rooms.create(ADA, named)).value
    await pod.blocking.unblock(BOB, UNBLOCK)
    (seen,) = (await pod.rooms.list(BOB, ListRooms())).rooms
    await until(lambda: bool(told.entered(BOB)))
    assert (seen.id, seen.name, seen.description) == (room.id, "", "")
    assert (room.name, room.description) == ("", "")
    assert b"unheard" not in told.entered(BOB)[0].payload


async def test_after_it_both_may_write_on_every_pod(house: House, room: Room) -> None:
    """Also on a pod that knows the room from when it was concealed."""
    here, there = house.pods[0], await house.pod()
    with pytest.raises(NotFound):
        await there.send("bob", room.id)
    await there.send("ada", room.id)
    with pytest.raises(NotFound):
        await there.send("bob", room.id)
    await here.blocking.unblock(BOB, UNBLOCK)
    assert (await there.send("bob", room.id, "hello")).content == "hello"


async def test_whoever_blocked_reveals_it_by_opening_it(
    pod: PodServices, told: Exchange, room: Room
) -> None:
    outcome = await pod.rooms.create(BOB, CreateRoom(kind="direct", participants=(ADA.user_id,)))
    assert (outcome.created, outcome.value.id) == (False, room.id)
    assert outcome.value.unread == 0
    assert await rooms_of(pod, BOB) == [room.id]
    assert len(told.entered(BOB)) == 1
    await opened(pod, BOB, "ada")
    assert len(told.entered(BOB)) == 1


async def test_a_room_that_was_there_stays(pod: PodServices) -> None:
    room = await opened(pod, ADA, "bob")
    await pod.blocking.block(BOB, BlockUser(user_id=ADA.user_id))
    await opened(pod, ADA, "bob")
    assert await rooms_of(pod, BOB) == [room.id]


async def test_whoever_blocks_opens_rooms_as_ever(pod: PodServices) -> None:
    await pod.blocking.block(BOB, BlockUser(user_id=ADA.user_id))
    room = await opened(pod, BOB, "ada")
    assert await rooms_of(pod, ADA) == await rooms_of(pod, BOB) == [room.id]


async def test_a_room_opened_while_the_block_is_lifted_does_not_stay_concealed(
    house: House, pod: PodServices
) -> None:
    await pod.blocking.block(BOB, BlockUser(user_id=ADA.user_id))
    there = await house.pod()
    await there.blocks.around(ADA.user_id)
    await there.blocks.stop()  # it has yet to hear of the lifting
    await pod.blocking.unblock(BOB, UNBLOCK)
    room = await opened(there, ADA, "bob")
    assert await rooms_of(pod, BOB) == [room.id]


class Halfway:
    """The store of blocks, which fails when one is to be lifted."""

    def __init__(self, house: House) -> None:
        self._blocks = house.store.blocks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._blocks, name)

    async def unblock(self, *_: UserId) -> BlockChange | None:
        raise Unavailable


async def test_an_unblocking_that_fails_halfway_can_be_repeated(
    house: House, pod: PodServices, told: Exchange, room: Room
) -> None:
    pod.blocking._store = Halfway(house)
    with pytest.raises(Unavailable):
        await pod.blocking.unblock(BOB, UNBLOCK)
    pod.blocking._store = house.store.blocks
    assert (await pod.blocks.around(BOB.user_id)).blocks == {ADA.user_id}
    await pod.blocking.unblock(BOB, UNBLOCK)
    assert not (await pod.blocks.around(BOB.user_id)).blocks
    assert await rooms_of(pod, BOB) == [room.id]
    assert len(told.entered(BOB)) == 1


async def test_many_open_it_at_once_and_it_is_one(pod: PodServices) -> None:
    await pod.blocking.block(BOB, BlockUser(user_id=ADA.user_id))
    rooms = await asyncio.gather(*(opened(pod, ADA, "bob") for _ in range(5)))
    assert len({one.id for one in rooms}) == 1
    assert await rooms_of(pod, BOB) == []
