"""Who is told that somebody types, on one pod and on two."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from tests.integration.services.conftest import House, PodServices, actor
from tests.waiting import until
from whatchat.domain.audience import Announcement, InRoom
from whatchat.domain.errors import Forbidden, NotFound
from whatchat.domain.ids import Rev, RoomId, SessionId, UserId
from whatchat.domain.models import Room
from whatchat.domain.tasks import ended
from whatchat.features.blocking.contract import BlockUser, UnblockUser
from whatchat.features.rooms.contract import GetRoom, JoinRoom, RemoveMember, SettingsPatch
from whatchat.features.typing import board
from whatchat.features.typing.board import ROOM_STARTS_A_SECOND, STARTS_AT_ONCE
from whatchat.features.typing.contract import StartTyping, StopTyping

ADA, BOB, EVE = actor("ada"), actor("bob"), actor("eve")
SHORT_SECONDS = 0.1


class Typing:
    """A pod, and what its room is told of typing."""

    def __init__(self, pod: PodServices, room: Room) -> None:
        self.pod = pod
        self.room_id: RoomId = room.id
        self.told: list[Announcement] = []
        pod.broker.listen(self._hear)
        self._running = asyncio.create_task(pod.typing.run())

    @classmethod
    async def of(cls, pod: PodServices, room: Room) -> "Typing":
        await pod.broker.subscribe_rooms([room.id])
        return cls(pod, room)

    async def start(self, user_id: str) -> None:
        await self.pod.typing.start(actor(user_id), StartTyping(room_id=self.room_id))

    async def stop(self, user_id: str) -> None:
        await self.pod.typing.stop(actor(user_id), StopTyping(room_id=self.room_id))

    def events(self) -> list[tuple[str, str]]:
        """Of whom was told what."""
        payloads = [(one.event, msgspec.json.decode(one.payload)) for one in self.told]
        return [(event.removeprefix("typing:"), data["userId"]) for event, data in payloads]

    async def tells(self, *events: tuple[str, str]) -> None:
        """Check that this is told and, for a while, nothing else."""
        await until(lambda: len(self.told) >= len(events))
        await asyncio.sleep(0.02)
        assert self.events() == list(events)

    async def close(self) -> None:
        await ended(self._running)

    def _hear(self, announcement: Announcement) -> None:
        if announcement.event.startswith("typing:"):
            self.told.append(announcement)


@pytest.fixture
async def typing(house: House) -> AsyncIterator[Typing]:
    pod = await house.pod()
    typing = await Typing.of(pod, await pod.group("ada", "bob"))
    yield typing
    await typing.close()


@pytest.fixture
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Typing that is over soon."""
    monkeypatch.setattr(board, "TYPING_SECONDS", SHORT_SECONDS)


async def test_the_other_members_are_told_in_passing(typing: Typing) -> None:
    await typing.start("ada")
    await typing.stop("ada")
    await typing.tells(("start", "ada"), ("stop", "ada"))
    for announcement in typing.told:
        assert announcement.audience == InRoom(room_id=typing.room_id, without=(ADA.user_id,))
        assert (announcement.volatile, announcement.rev) == (True, 0)
        assert msgspec.json.decode(announcement.payload) == {
            "roomId": typing.room_id,
            "userId": "ada",
            "username": "ada",
        }


async def test_nothing_of_it_is_stored(typing: Typing) -> None:
    before = await typing.pod.log.announcements(typing.room_id, after=Rev(0), limit=10)
    await typing.start("ada")
    await typing.tells(("start", "ada"))
    assert await typing.pod.log.announcements(typing.room_id, after=Rev(0), limit=10) == before


async def test_two_devices_type_as_one(typing: Typing) -> None:
    await typing.start("ada")
    await typing.start("ada")
    await typing.stop("ada")
    await typing.stop("ada")
    await typing.tells(("start", "ada"), ("stop", "ada"))


@pytest.mark.usefixtures("briefly")
async def test_typing_ends_by_itself(typing: Typing) -> None:
    await typing.start("ada")
    await typing.start("bob")
    assert typing.events() == [("start", "ada"), ("start", "bob")]
    await typing.tells(("start", "ada"), ("start", "bob"), ("stop", "ada"), ("stop", "bob"))
    await typing.start("ada")
    await until(lambda: typing.events()[4:] == [("start", "ada"), ("stop", "ada")])


async def test_who_sends_has_stopped_typing(typing: Typing) -> None:
    await typing.start("ada")
    await typing.start("bob")
    await typing.pod.send("ada", typing.room_id)
    await typing.tells(("start", "ada"), ("start", "bob"), ("stop", "ada"))


async def test_who_sends_over_another_pod_has_stopped_too(house: House, typing: Typing) -> None:
    await typing.start("ada")
    await (await house.pod()).send("ada", typing.room_id)
    await typing.tells(("start", "ada"), ("stop", "ada"))


async def test_who_is_gone_has_stopped_typing(typing: Typing) -> None:
    await typing.start("ada")
    await typing.start("bob")
    typing.pod.live.gone(BOB.user_id, SessionId("bob-phone"))
    await typing.tells(("start", "ada"), ("start", "bob"), ("stop", "bob"))


async def test_who_is_put_out_has_stopped_typing_and_is_told_of_no_more(typing: Typing) -> None:
    await typing.pod.broker.subscribe_users([BOB.user_id])
    await typing.start("bob")
    out = RemoveMember(room_id=typing.room_id, user_id=BOB.user_id)
    await typing.pod.rooms.remove(ADA, out)
    await typing.tells(("start", "bob"), ("stop", "bob"))
    for attempt in (typing.start, typing.stop):
        with pytest.raises(NotFound) as refused:
            await attempt("bob")
        assert refused.value.field == "roomId"
    await typing.tells(("start", "bob"), ("stop", "bob"))


async def test_only_members_type(typing: Typing, house: House) -> None:
    with pytest.raises(NotFound):
        await typing.start("eve")
    with pytest.raises(NotFound):
        await typing.pod.typing.start(EVE, StartTyping(room_id=RoomId("unknown")))
    public = await typing.pod.group("ada", settings=SettingsPatch(is_private=False))
    with pytest.raises(Forbidden):
        await typing.pod.typing.start(EVE, StartTyping(room_id=public.id))
    await typing.pod.rooms.join(EVE, JoinRoom(room_id=public.id))
    await typing.pod.typing.start(EVE, StartTyping(room_id=public.id))


async def test_nothing_crosses_a_block_in_either_direction(house: House, typing: Typing) -> None:
    elsewhere = await house.pod()
    await elsewhere.blocking.block(BOB, BlockUser(user_id=ADA.user_id))

    async def is_in_force() -> bool:
        return BOB.user_id in (await typing.pod.blocks.around(ADA.user_id)).across

    await until(is_in_force)
    for user_id, other in (("ada", BOB), ("bob", ADA)):
        await typing.start(user_id)
        await typing.stop(user_id)
        for announcement in typing.told[-2:]:
            assert isinstance(announcement.audience, InRoom)
            assert set(announcement.audience.without) == {UserId(user_id), other.user_id}
    await elsewhere.blocking.unblock(BOB, UnblockUser(user_id=ADA.user_id))


async def test_the_end_does_not_cross_a_block_made_meanwhile(typing: Typing) -> None:
    await typing.start("ada")
    await typing.pod.blocking.block(BOB, BlockUser(user_id=ADA.user_id))
    await typing.pod.send("ada", typing.room_id)
    await typing.tells(("start", "ada"), ("stop", "ada"))
    audience = typing.told[1].audience
    assert isinstance(audience, InRoom)
    assert set(audience.without) == {ADA.user_id, BOB.user_id}


async def test_starting_over_and_over_is_told_a_few_times(typing: Typing) -> None:
    for _ in range(STARTS_AT_ONCE + 3):
        await typing.start("ada")
        await typing.stop("ada")
    assert len(typing.told) == 2 * STARTS_AT_ONCE


async def test_a_room_is_told_so_much_by_all_pods_together(
    house: House, typing: Typing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "STARTS_AT_ONCE", 100)
    pod = await house.pod()
    other = Typing(pod, await pod.rooms.get(BOB, GetRoom(room_id=typing.room_id)))
    await pod.broker.subscribe_rooms([typing.room_id])
    clock = 0.5
    for service in (typing.pod.typing, pod.typing):
        monkeypatch.setattr(service, "_clock", lambda: clock)
    for _ in range(ROOM_STARTS_A_SECOND):
        await typing.start("ada")
        await typing.stop("ada")
        await other.start("bob")
        await other.stop("bob")
    events = typing.events()
    assert events == other.events()
    assert len([event for event, _ in events if event == "start"]) == ROOM_STARTS_A_SECOND
    assert len(events) == 2 * ROOM_STARTS_A_SECOND
    clock = 1.0
    await other.start("bob")
    assert typing.events()[-1] == ("start", "bob")
    await other.close()
