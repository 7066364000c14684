"""Messages that are over after a time: nobody sees them, and then they are erased."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from msgspec import UNSET

from tests.integration.services.conftest import House, PodServices, actor
from tests.integration.services.gate import GatedMessageStore
from tests.waiting import until
from whatchat.background.expiry import BATCH, Expiry
from whatchat.domain.audience import Announcement
from whatchat.domain.errors import ChatError, Conflict, Forbidden, NotFound, Unavailable
from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, UserId, random_id
from whatchat.domain.log import Entry, MessageExpired, MessagePosted, RoomCreated
from whatchat.domain.models import Message, Room, RoomSettings
from whatchat.domain.ports.message_store import Appended
from whatchat.domain.times import utc_now
from whatchat.features.messages.contract import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    ReadHistory,
    SendMessage,
)
from whatchat.features.rooms.contract import CreateRoom, ListRooms, SettingsPatch, UpdateRoom
from whatchat.features.sync.contract import Sync
from whatchat.observability.metrics import Metrics

ADA, BOB, EVE = actor("ada"), actor("bob"), actor("eve")
BRIEFLY = SettingsPatch(disappear_after_seconds=1)


@pytest.fixture
async def pod(house: House) -> PodServices:
    return await house.pod()


def expiry(house: House, pod: PodServices, name: str = "worker") -> Expiry:
    return Expiry(house.store, pod.log, name, Metrics())


async def is_over(message: Message) -> None:
    end = message.expires_at
    assert isinstance(end, str)
    await until(lambda: utc_now().isoformat() > end.replace("Z", "+00:00"))


async def shown(pod: PodServices, room_id: RoomId) -> dict[str, list[Message]]:
    """What Bob is shown of a room's messages, by each way of looking."""
    history = await pod.messages.history(BOB, ReadHistory(room_id=room_id))
    fresh = await pod.sync.sync(BOB, Sync(cursors={}))
    since = await pod.sync.sync(BOB, Sync(cursors={room_id: Rev(1)}, only=True))
    (listed,) = (await pod.rooms.list(BOB, ListRooms())).rooms
    latest = [listed.last_message] if isinstance(listed.last_message, Message) else []
    return {
        "history": history.messages,
        "snapshot": [message for room in fresh.rooms for message in room.messages],
        "recovered": [message for room in since.rooms for message in room.messages],
        "latest": latest,
    }


async def entries(house: House, room_id: RoomId) -> list[Entry]:
    return await house.store.messages.entries(room_id, after=Rev(0), limit=2_000)


async def test_nobody_sees_what_is_over_though_it_is_not_erased(pod: PodServices) -> None:
    room = await pod.group("ada", "bob", settings=BRIEFLY)
    message = await pod.send("ada", room.id, "a secret", client_id="the-client-id-0001")
    await pod.messages.react(BOB, AddReaction(message_id=message.id, emoji="👍"))
    assert all(found[0].content == "a secret" for found in (await shown(pod, room.id)).values())
    await is_over(message)

    for way, found in (await shown(pod, room.id)).items():
        assert [one.content for one in found] == [""], way
        assert [one.reactions for one in found] == [[]], way
        assert found[0].deleted_at == found[0].expires_at == message.expires_at, way
    retried = await pod.send("ada", room.id, "a secret", client_id="the-client-id-0001")
    assert (retried.content, retried.deleted_at) == ("", message.expires_at)
    for attempt in (
        pod.messages.edit(ADA, EditMessage(message_id=message.id, content="another")),
        pod.messages.react(BOB, AddReaction(message_id=message.id, emoji="🎉")),
    ):
        with pytest.raises(NotFound):
            await attempt
    gone = await pod.messages.delete(ADA, DeleteMessage(message_id=message.id))
    assert (gone.content, gone.deleted_at) == ("", message.expires_at)
    command = SendMessage(
        room_id=room.id, client_id=ClientId(random_id()), content="what?", reply_to=message.id
    )
    assert (await pod.messages.send(BOB, command)).value.reply_to == message.id


async def test_what_is_over_is_erased_once_and_told(house: House, pod: PodServices) -> None:
    room = await pod.group("ada", "bob", settings=BRIEFLY)
    message = await pod.send("ada", room.id, "a secret")
    told: list[Announcement] = []
    pod.broker.listen(told.append)
    await pod.broker.subscribe_rooms([room.id])
    worker = expiry(house, pod)
    assert await worker.step(more=True) > 0
    assert len(await entries(house, room.id)) == 2
    await is_over(message)

    for _ in range(3):
        await worker.step(more=True)
    posted, gone = (await entries(house, room.id))[1:]
    assert (gone.change, gone.actor_id) == (MessageExpired(seq=message.seq), "ada")
    assert posted.digest == b""
    await until(lambda: bool(told))
    assert [(one.event, one.rev) for one in told] == [("message:deleted", gone.rev)]
    (tombstone,) = (await shown(pod, room.id))["history"]
    assert (tombstone.content, tombstone.deleted_at) == ("", message.expires_at)
    assert tombstone.rev == gone.rev


async def test_two_workers_at_once_do_it_once(house: House, pod: PodServices) -> None:
    other = await house.pod()
    room = await pod.group("ada", "bob", settings=BRIEFLY)
    sent = [await pod.send("ada", room.id, str(number)) for number in range(5)]
    await is_over(sent[-1])
    found = await house.store.retention.expired(utc_now(), after=None, limit=99)
    workers = expiry(house, pod, "one"), expiry(house, other, "other")
    await asyncio.gather(*(worker._erase(found) for worker in workers))
    log = await entries(house, room.id)
    assert sorted(one.change.seq for one in log if isinstance(one.change, MessageExpired)) == [
        one.seq for one in sent
    ]


async def test_one_worker_leads_until_it_is_closed(house: House, pod: PodServices) -> None:
    room = await pod.group("ada", "bob", settings=BRIEFLY)
    await is_over(await pod.send("ada", room.id, "a secret"))
    assert await house.store.acquire("expiry", "somebody", seconds=60)
    worker = expiry(house, pod)
    await worker.step(more=True)
    assert len(await entries(house, room.id)) == 2
    await house.store.release("expiry", "somebody")
    await worker.step(more=True)
    assert len(await entries(house, room.id)) == 3
    assert not await house.store.acquire("expiry", "somebody", seconds=60)
    await worker.close()
    assert await house.store.acquire("expiry", "somebody", seconds=60)


class FailingRoom(GatedMessageStore):
    """A store that does not take anything in one room."""

    room_id: RoomId | None = None

    async def append(self, entries: Sequence[Entry]) -> Appended:
        if entries[0].room_id == self.room_id:
            raise Unavailable
        return await super().append(entries)


async def left_over(house: House, rooms: int, each: int) -> list[RoomId]:
    """Rooms with messages whose time was over long ago, as after a long downtime."""
    long_ago = utc_now() - timedelta(days=2)
    found = []
    for _ in range(rooms):
        room_id = RoomId(random_id())
        created = RoomCreated(
            room_kind="group",
            name="",
            description="",
            settings=RoomSettings(),
            members=(UserId("ada"), UserId("bob")),
        )
        changes = [created] + [
            MessagePosted(message_type="text", content="old", expires_at=long_ago)
        ] * each
        batch = [
            Entry(
                room_id=room_id,
                rev=Rev(rev),
                actor_id=UserId("ada"),
                client_id=ClientId(random_id()),
                digest=b"digest",
                at=long_ago,
                pod="pod",
                change=change,
            )
            for rev, change in enumerate(changes, start=1)
        ]
        await house.store.messages.append(batch)
        found.append(room_id)
    return found


async def test_after_a_downtime_all_of_it_goes_in_bounded_steps(
    house: House, pod: PodServices
) -> None:
    (crowded, *others) = await left_over(house, 1, BATCH + 20) + await left_over(house, 3, 10)
    worker = expiry(house, pod)
    assert await worker.step(more=True) == 0
    assert len(await house.store.retention.expired(utc_now(), after=None, limit=999)) == 50
    assert await worker.step(more=True) > 0
    assert await house.store.retention.expired(utc_now(), after=None, limit=9) == []
    assert len(await entries(house, crowded)) == 1 + 2 * (BATCH + 20)
    for room_id in others:
        assert len(await entries(house, room_id)) == 21


async def test_a_room_that_cannot_be_written_holds_up_no_other(house: House) -> None:
    store = FailingRoom(house.store.messages)
    pod = await house.pod(store)
    broken, _ = await left_over(house, 2, 3)
    store.room_id = broken
    worker = expiry(house, pod)
    await worker.step(more=True)
    left = await house.store.retention.expired(utc_now(), after=None, limit=9)
    assert {one.room_id for one in left} == {broken}
    with pytest.raises(Unavailable):
        await worker.step(more=True)
    store.room_id = None
    await worker.step(more=True)
    assert await house.store.retention.expired(utc_now(), after=None, limit=9) == []


async def test_only_what_is_said_while_it_is_on_disappears(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    before = await pod.send("ada", room.id)

    async def switch(seconds: int | None) -> Room:
        patch = SettingsPatch(disappear_after_seconds=seconds)
        return await pod.rooms.update(ADA, UpdateRoom(room_id=room.id, settings=patch))

    assert (await switch(3_600)).settings.disappear_after_seconds == 3_600
    lasting = await pod.send("bob", room.id)
    for off in (0, None):
        await switch(3_600)
        assert (await switch(off)).settings.disappear_after_seconds is UNSET
    after = await pod.send("ada", room.id)
    assert (before.expires_at, after.expires_at) == (UNSET, UNSET)
    assert isinstance(lasting.expires_at, str)
    lasts = datetime.fromisoformat(lasting.expires_at) - datetime.fromisoformat(lasting.created_at)
    assert lasts == timedelta(hours=1)
    history = await pod.messages.history(ADA, ReadHistory(room_id=room.id))
    notes = [one for one in history.messages if one.message_type == "system"]
    assert len(notes) == 4
    assert {one.expires_at for one in notes} == {UNSET}


async def direct(pod: PodServices, settings: SettingsPatch) -> Room:
    command = CreateRoom(kind="direct", participants=(UserId("bob"),), settings=settings)
    return (await pod.rooms.create(ADA, command)).value


async def test_in_a_direct_room_both_decide(house: House, pod: PodServices) -> None:
    room = await direct(pod, SettingsPatch(disappear_after_seconds=60))
    assert isinstance((await pod.send("bob", room.id)).expires_at, str)
    longer = UpdateRoom(room_id=room.id, settings=SettingsPatch(disappear_after_seconds=90))
    assert (await pod.rooms.update(BOB, longer)).settings.disappear_after_seconds == 90
    off = UpdateRoom(room_id=room.id, settings=SettingsPatch(disappear_after_seconds=0))
    assert (await pod.rooms.update(ADA, off)).settings.disappear_after_seconds is UNSET
    assert len(await entries(house, room.id)) == 4
    with pytest.raises(NotFound):
        await pod.rooms.update(EVE, longer)


@pytest.mark.parametrize(
    "patch", [SettingsPatch(is_private=False), SettingsPatch(max_participants=5)]
)
async def test_the_rest_of_a_direct_room_stays(pod: PodServices, patch: SettingsPatch) -> None:
    room = await direct(pod, SettingsPatch())
    for command in (
        UpdateRoom(room_id=room.id, settings=patch),
        UpdateRoom(room_id=room.id, name="Us", settings=BRIEFLY),
    ):
        with pytest.raises(Forbidden):
            await pod.rooms.update(ADA, command)


async def test_no_fewer_may_be_let_in_than_there_are(pod: PodServices) -> None:
    room = await pod.group("ada", "bob", "eve")
    patch = SettingsPatch(max_participants=2)
    with pytest.raises(Conflict) as caught:
        await pod.rooms.update(ADA, UpdateRoom(room_id=room.id, settings=patch))
    assert caught.value.field == "settings.maxParticipants"
    three = UpdateRoom(room_id=room.id, settings=SettingsPatch(max_participants=3))
    assert (await pod.rooms.update(ADA, three)).settings.max_participants == 3


async def test_editing_a_message_does_not_make_it_last(house: House) -> None:
    pod = await house.pod()
    room = await pod.group("ada", settings=BRIEFLY)
    message = await pod.send("ada", room.id, "a secret")
    edited = await pod.messages.edit(ADA, EditMessage(message_id=message.id, content="new"))
    assert edited.expires_at == message.expires_at
    await is_over(message)
    with pytest.raises(ChatError):
        await pod.messages.edit(ADA, EditMessage(message_id=message.id, content="newer"))
    (tombstone,) = (await house.store.messages.messages([(room.id, Seq(message.seq))])).values()
    assert tombstone.content == ""
