"""Rooms whose server keeps what is said no longer than until every device has it."""

from datetime import datetime, timedelta

import pytest
from msgspec import UNSET

from tests.integration.services.conftest import House, PodServices, actor
from whatchat.background import deliver_only
from whatchat.background.deliver_only import DeliverOnly
from whatchat.domain.audience import Announcement
from whatchat.domain.ids import DeviceId, GrantId, RoomId, Seq, UserId, random_id
from whatchat.domain.models import Message
from whatchat.domain.ports.account_store import DeviceRecord, Grant
from whatchat.domain.ports.receipt_store import Move
from whatchat.domain.times import Clock, utc_now
from whatchat.features.messages.contract import DeleteMessage, EditMessage, ReadHistory
from whatchat.features.rooms.contract import SettingsPatch, UpdateRoom
from whatchat.observability.metrics import Metrics

ADA, BOB = actor("ada"), actor("bob")
KEPT_BY_NOBODY = SettingsPatch(deliver_only=True)


@pytest.fixture
async def pod(house: House) -> PodServices:
    """A pod; Ada and Bob have signed in on a phone each."""
    for name in ("ada", "bob"):
        await sign_in(house, name, "phone")
    return await house.pod()


async def sign_in(house: House, name: str, device: str) -> None:
    now = utc_now()
    grant = Grant(
        grant_id=GrantId(random_id()),
        token_hash=random_id().encode(),
        expires_at=now + timedelta(days=90),
    )
    record = DeviceRecord(
        user_id=UserId(name),
        device_id=DeviceId(f"{name}-{device}"),
        name="",
        created_at=now,
        last_seen_at=now,
    )
    await house.store.accounts.sign_in(record, grant)


async def acknowledge(house: House, room_id: RoomId, name: str, device: str, seq: int) -> None:
    move = Move(
        room_id=room_id,
        user_id=UserId(name),
        device_id=DeviceId(f"{name}-{device}"),
        delivered_seq=Seq(seq),
    )
    await house.store.receipts.advance([move])


def worker(house: House, *, clock: Clock = utc_now) -> DeliverOnly:
    return DeliverOnly(house.store, "worker", Metrics(), clock=clock)


def stopped_at(moment: datetime) -> Clock:
    return lambda: moment


async def contents(pod: PodServices, room_id: RoomId) -> list[str]:
    return [one.content for one in await history(pod, room_id)]


async def history(pod: PodServices, room_id: RoomId) -> list[Message]:
    return (await pod.messages.history(BOB, ReadHistory(room_id=room_id))).messages


async def test_it_is_kept_until_the_last_device_has_it(house: House, pod: PodServices) -> None:
    await sign_in(house, "bob", "tablet")
    room = await pod.group("ada", "bob", settings=KEPT_BY_NOBODY)
    told: list[Announcement] = []
    message = await pod.send("ada", room.id, "a secret", client_id="the-client-id-0001")
    pod.broker.listen(told.append)
    await pod.broker.subscribe_rooms([room.id])
    giving_up = worker(house)
    for device in ("phone", "tablet"):
        await giving_up.step(more=True)
        assert await contents(pod, room.id) == ["a secret"]
        await acknowledge(house, room.id, "bob", device, message.seq)
    await giving_up.step(more=True)

    (seen,) = await history(pod, room.id)
    assert (seen.content, seen.rev, seen.deleted_at) == ("", message.rev, UNSET)
    assert isinstance(seen.erased_at, str)
    again = await pod.send("ada", room.id, "a secret", client_id="the-client-id-0001")
    assert again == seen
    assert [one for one in told if one.event == "message:deleted"] == []


async def test_the_senders_other_device_gets_it_as_well(house: House, pod: PodServices) -> None:
    room = await pod.group("ada", "bob", settings=KEPT_BY_NOBODY)
    await sign_in(house, "ada", "tablet")
    message = await pod.send("ada", room.id)
    await acknowledge(house, room.id, "bob", "phone", message.seq)
    giving_up = worker(house)
    for device in ("tablet", "phone"):
        await giving_up.step(more=True)
        assert await contents(pod, room.id) == ["hi"]
        await acknowledge(house, room.id, "ada", device, message.seq)
    await giving_up.step(more=True)
    assert await contents(pod, room.id) == [""]


async def test_a_device_that_was_not_seen_for_thirty_days_holds_nothing_up(
    house: House, pod: PodServices
) -> None:
    room = await pod.group("ada", "bob", settings=KEPT_BY_NOBODY)
    await pod.send("ada", room.id)
    for days, kept in ((29, ["hi"]), (31, [""])):
        then = utc_now() + timedelta(days=days)
        await worker(house, clock=stopped_at(then)).step(more=True)
        assert await contents(pod, room.id) == kept


async def test_only_what_is_said_while_it_is_on_is_given_up(house: House, pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    await pod.send("ada", room.id, "before")
    update = UpdateRoom(room_id=room.id, settings=KEPT_BY_NOBODY)
    assert (await pod.rooms.update(ADA, update)).settings.deliver_only
    await pod.send("ada", room.id, "during")
    off = UpdateRoom(room_id=room.id, settings=SettingsPatch(deliver_only=False))
    await pod.rooms.update(ADA, off)
    last = await pod.send("ada", room.id, "after")
    await acknowledge(house, room.id, "bob", "phone", last.seq)
    await worker(house).step(more=True)
    note = "Ada changed the settings"
    assert await contents(pod, room.id) == ["before", note, "", note, "after"]


async def test_what_was_given_up_can_be_edited_and_deleted(house: House, pod: PodServices) -> None:
    room = await pod.group("ada", "bob", settings=KEPT_BY_NOBODY)
    message = await pod.send("ada", room.id)
    await acknowledge(house, room.id, "bob", "phone", message.seq)
    giving_up = worker(house)
    await giving_up.step(more=True)
    edited = await pod.messages.edit(ADA, EditMessage(message_id=message.id, content="new"))
    assert (edited.content, edited.erased_at) == ("new", UNSET)
    await giving_up.step(more=True)
    assert await contents(pod, room.id) == ["new"]
    await acknowledge(house, room.id, "bob", "phone", edited.rev)
    await giving_up.step(more=True)
    assert await contents(pod, room.id) == [""]
    await pod.messages.delete(ADA, DeleteMessage(message_id=message.id))
    (tombstone,) = await history(pod, room.id)
    assert (tombstone.erased_at, isinstance(tombstone.deleted_at, str)) == (UNSET, True)


async def test_no_room_holds_up_another(
    house: House, pod: PodServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some wait for devices, with more messages than one step takes; all are come by."""
    monkeypatch.setattr(deliver_only, "BATCH", 3)
    rooms = [await pod.group("ada", "bob", settings=KEPT_BY_NOBODY) for _ in range(6)]
    for room in rooms:
        for _ in range(5):
            last = await pod.send("ada", room.id)
    delivered = sorted(rooms, key=lambda room: room.id)[1::2]
    for room in delivered:
        await acknowledge(house, room.id, "bob", "phone", last.seq)
    giving_up = worker(house)

    async def is_done() -> bool:
        await giving_up.step(more=True)
        kept = [room for room in rooms if await contents(pod, room.id) == ["hi"] * 5]
        gone = [room for room in rooms if await contents(pod, room.id) == [""] * 5]
        return gone == [room for room in rooms if room in delivered] and len(kept) == 3

    for _ in range(20):
        if await is_done():
            break
    assert await is_done()


async def test_an_edit_that_is_not_delivered_keeps_nothing_else(
    house: House, pod: PodServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver_only, "BATCH", 1)
    room = await pod.group("ada", "bob", settings=KEPT_BY_NOBODY)
    first, last = await pod.send("ada", room.id), await pod.send("ada", room.id)
    await acknowledge(house, room.id, "bob", "phone", last.seq)
    await pod.messages.edit(ADA, EditMessage(message_id=first.id, content="new"))
    giving_up = worker(house)
    for _ in range(4):
        await giving_up.step(more=True)
    assert await contents(pod, room.id) == ["new", ""]


async def test_one_worker_leads(house: House, pod: PodServices) -> None:
    room = await pod.group("ada", "bob", settings=KEPT_BY_NOBODY)
    message = await pod.send("ada", room.id)
    await acknowledge(house, room.id, "bob", "phone", message.seq)
    assert await house.store.acquire("deliver-only", "somebody", seconds=60)
    giving_up = worker(house)
    await giving_up.step(more=True)
    assert await contents(pod, room.id) == ["hi"]
    await house.store.release("deliver-only", "somebody")
    await giving_up.step(more=True)
    assert await contents(pod, room.id) == [""]
    await giving_up.close()
    assert await house.store.acquire("deliver-only", "somebody", seconds=60)
