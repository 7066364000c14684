"""How far people have got: kept, shown to those who may know, and told to those concerned."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec import UNSET
from msgspec.structs import replace

from tests.integration.services.conftest import House, PodServices, actor
from tests.waiting import until
from whatchat.adapters.embedded.broker import InProcessBroker
from whatchat.domain.actor import Actor
from whatchat.domain.audience import Announcement
from whatchat.domain.errors import Forbidden, Invalid, NotFound, Unavailable
from whatchat.domain.ids import DeviceId, Rev, RoomId, Seq, SessionId, UserId, random_id
from whatchat.domain.models import Participant
from whatchat.domain.ports.account_store import Account
from whatchat.domain.times import utc_now
from whatchat.features.receipts.contract import MarkDelivered, MarkRead
from whatchat.features.receipts.telling import LARGE_ROOM, WINDOW_SECONDS
from whatchat.features.rooms.contract import (
    CreateRoom,
    GetRoom,
    ListMembers,
    RemoveMember,
    SettingsPatch,
)
from whatchat.features.sync.contract import Receipt, Sync, SyncedRoom
from whatchat.features.sync.page import ENVELOPE_BYTES

ADA, BOB, EVE = actor("ada"), actor("bob"), actor("eve")
BOBS_TABLET = replace(BOB, device_id=DeviceId("tablet"), session_id=SessionId("bobs-tablet"))

Told = tuple[str, str, int, frozenset[str], str | None]


class Ear:
    """Hears of receipts what any pod would, with whom it is for."""

    def __init__(self, house: House) -> None:
        self._broker = InProcessBroker(house.exchange)
        self._broker.listen(self._hear)
        self.heard: list[Told] = []
        self.summaries: list[tuple[dict[str, Any], frozenset[str]]] = []

    async def follow(self, room_id: RoomId) -> None:
        await self._broker.subscribe_rooms([room_id])

    def _hear(self, announcement: Announcement) -> None:
        for part in announcement.parts:
            data = msgspec.json.decode(part.payload)
            among = frozenset[str](part.among)
            if part.event == "receipt:summary":
                self.summaries.append((data, among))
            else:
                user_id = data["userId"]
                told = part.event, user_id, data["seq"], among, part.except_session
                self.heard.append(told)

    async def hears(self, *expected: Told) -> None:
        await until(lambda: len(self.heard) >= len(expected))
        assert sorted(self.heard, key=str) == sorted(expected, key=str)
        self.heard.clear()

    async def hears_nothing(self) -> None:
        await asyncio.sleep(2 * WINDOW_SECONDS)
        assert self.heard == []
        assert self.summaries == []


@pytest.fixture
async def pods(house: House) -> tuple[PodServices, PodServices]:
    return await house.pod(), await house.pod()


@pytest.fixture
def ear(house: House) -> Ear:
    return Ear(house)


async def delivered(pod: PodServices, who: Actor, room_id: RoomId, seq: int) -> None:
    await pod.receipts.mark_delivered(who, MarkDelivered(room_id=room_id, seq=Seq(seq)))


async def read(pod: PodServices, who: Actor, room_id: RoomId, seq: int) -> None:
    await pod.receipts.mark_read(who, MarkRead(room_id=room_id, seq=Seq(seq)))


def among(*names: str) -> frozenset[str]:
    return frozenset(names)


async def direct(pod: PodServices) -> RoomId:
    command = CreateRoom(kind="direct", participants=(UserId("bob"),))
    return (await pod.rooms.create(ADA, command)).value.id


async def known(pod: PodServices, viewer: Actor, room_id: RoomId) -> dict[str, tuple[int, int]]:
    """How far everybody has got, as somebody learns it from each place that tells it."""
    room = await pod.rooms.get(viewer, GetRoom(room_id=room_id))
    page = await pod.rooms.members(viewer, ListMembers(room_id=room_id))
    (synced,) = (await pod.sync.sync(viewer, Sync(cursors={}))).rooms

    def told(people: list[Participant]) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for one in people:
            if one.delivered_seq or one.read_seq:
                found[one.user.id] = one.delivered_seq, one.read_seq
        return found

    receipts: dict[str, tuple[int, int]] = {}
    for one in synced.receipts:
        receipts[one.user_id] = one.delivered_seq, one.read_seq
    assert receipts == told(room.participants) == told(page.members)
    return receipts


async def unread(pod: PodServices, viewer: Actor, room_id: RoomId) -> object:
    return (await pod.rooms.get(viewer, GetRoom(room_id=room_id))).unread


async def test_receipts_are_monotonic_on_all_pods(pods: tuple[PodServices, PodServices]) -> None:
    one, other = pods
    room = await one.group("ada", "bob")
    for number in range(5):
        await one.send("ada", room.id, str(number))
    await delivered(one, BOB, room.id, 5)
    await read(other, BOB, room.id, 3)
    for repeated in (read, delivered):
        await repeated(one, BOB, room.id, 2)
        await repeated(other, BOB, room.id, 0)
    for pod in pods:
        assert await known(pod, ADA, room.id) == {"bob": (5, 3)}
        assert await unread(pod, BOB, room.id) == 3
    await read(one, BOB, room.id, 6)
    assert await known(other, ADA, room.id) == {"bob": (6, 6)}
    assert await unread(other, BOB, room.id) == 0


async def test_unread_is_right_on_a_device_that_was_away(
    pods: tuple[PodServices, PodServices],
) -> None:
    one, other = pods
    room = await one.group("ada", "bob")
    for number in range(9):
        await one.send("ada", room.id, str(number))
    await read(one, BOB, room.id, 4)
    assert await unread(other, BOBS_TABLET, room.id) == 6
    (synced,) = (await other.sync.sync(BOBS_TABLET, Sync(cursors={}))).rooms
    assert synced.room
    assert synced.room.unread == 6


async def test_authors_and_own_other_devices_are_told(
    pods: tuple[PodServices, PodServices], ear: Ear
) -> None:
    one, other = pods
    room = await one.group("ada", "bob", "eve", "dan")
    await ear.follow(room.id)
    await one.send("ada", room.id)
    await one.send("eve", room.id)
    await delivered(other, BOBS_TABLET, room.id, 2)
    await ear.hears(("receipt:delivered", "bob", 2, among("ada", "bob"), "bobs-tablet"))
    await read(other, BOBS_TABLET, room.id, 3)
    await ear.hears(("receipt:read", "bob", 3, among("ada", "eve", "bob"), "bobs-tablet"))
    await read(one, EVE, room.id, 3)
    await ear.hears(("receipt:read", "eve", 3, among("ada", "eve"), None))
    await read(one, EVE, room.id, 3)
    await ear.hears_nothing()


async def test_receipts_of_one_window_are_told_once(
    pods: tuple[PodServices, PodServices], ear: Ear
) -> None:
    pod = pods[0]
    room = await pod.group("ada", "bob", "eve")
    await ear.follow(room.id)
    for number in range(4):
        await pod.send("ada", room.id, str(number))
    await asyncio.gather(
        *(
            mark(pod, who, room.id, seq)
            for mark in (delivered, read)
            for who in (BOB, BOBS_TABLET)
            for seq in range(2, 6)
        ),
        delivered(pod, EVE, room.id, 4),
    )
    await ear.hears(
        ("receipt:delivered", "bob", 5, among("ada", "bob"), None),
        ("receipt:read", "bob", 5, among("ada", "bob"), None),
        ("receipt:delivered", "eve", 4, among("ada", "eve"), None),
    )


async def test_private_readers_agree_with_themselves_alone(
    house: House, pods: tuple[PodServices, PodServices], ear: Ear
) -> None:
    one, other = pods
    await house.store.accounts.update(UserId("bob"), read_receipts=False)
    room = await one.group("ada", "bob")
    await ear.follow(room.id)
    await one.send("ada", room.id)
    await read(one, BOBS_TABLET, room.id, 2)
    await ear.hears(
        ("receipt:delivered", "bob", 2, among("ada", "bob"), "bobs-tablet"),
        ("receipt:read", "bob", 2, among("bob"), "bobs-tablet"),
    )
    for pod in pods:
        assert await known(pod, ADA, room.id) == {"bob": (2, 0)}
        assert await known(pod, BOB, room.id) == {"bob": (2, 2)}
    await house.store.accounts.update(UserId("bob"), read_receipts=True)
    for pod in pods:
        pod.directory.forget(UserId("bob"))
    await read(other, BOB, room.id, 2)
    assert await known(one, ADA, room.id) == {"bob": (2, 0)}
    await one.send("ada", room.id)
    await read(other, BOB, room.id, 3)
    assert await known(one, ADA, room.id) == {"bob": (3, 3)}
    await ear.hears(("receipt:read", "bob", 3, among("ada", "bob"), None))


async def test_each_device_has_a_cursor_of_its_own(
    house: House, pods: tuple[PodServices, PodServices]
) -> None:
    one, other = pods
    room = await one.group("ada", "bob")
    for number in range(3):
        await one.send("ada", room.id, str(number))
    await delivered(one, BOB, room.id, 4)
    await delivered(other, BOBS_TABLET, room.id, 2)
    devices = await house.store.receipts.devices(room.id)
    assert devices == {"bob": {"bob-device": 4, "tablet": 2}}


async def test_nobody_marks_what_is_not_theirs_or_not_there(
    pods: tuple[PodServices, PodServices],
) -> None:
    pod = pods[0]
    room = await pod.group("ada", "bob")
    public = await pod.group("ada", settings=SettingsPatch(is_private=False))
    for mark in (delivered, read):
        with pytest.raises(Invalid) as refused:
            await mark(pod, BOB, room.id, 2)
        assert refused.value.field == "seq"
        with pytest.raises(NotFound):
            await mark(pod, EVE, room.id, 1)
        with pytest.raises(NotFound):
            await mark(pod, EVE, RoomId(random_id()), 1)
        with pytest.raises(Forbidden):
            await mark(pod, EVE, public.id, 1)
    await pod.rooms.remove(ADA, RemoveMember(room_id=room.id, user_id=UserId("bob")))
    with pytest.raises(NotFound):
        await read(pod, BOB, room.id, 1)


async def test_whoever_was_put_out_meanwhile_is_told_when_it_is_written(
    pods: tuple[PodServices, PodServices], monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = pods[0]
    room = await pod.group("ada", "bob")
    public = await pod.group("ada", settings=SettingsPatch(is_private=False))
    monkeypatch.setattr(pod.receipts, "_is_known", lambda *_: True)
    with pytest.raises(NotFound):
        await read(pod, EVE, room.id, 1)
    with pytest.raises(Forbidden):
        await read(pod, EVE, public.id, 1)


async def test_receipts_fail_with_the_store_and_go_on_with_it(
    house: House, pods: tuple[PodServices, PodServices], monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = pods[0]
    room = await pod.group("ada", "bob")

    async def unavailable(_: object) -> Any:
        raise Unavailable

    with monkeypatch.context() as broken:
        broken.setattr(house.store.receipts, "advance", unavailable)
        with pytest.raises(Unavailable):
            await read(pod, BOB, room.id, 1)
    await read(pod, BOB, room.id, 1)
    assert await known(pod, ADA, room.id) == {"bob": (1, 1)}


async def test_nothing_crosses_a_block(
    house: House, pods: tuple[PodServices, PodServices], ear: Ear
) -> None:
    pod = pods[0]
    room_id = await direct(pod)
    await ear.follow(room_id)
    await pod.send("ada", room_id)
    await pod.send("bob", room_id)
    house.blocks.block("bob", "ada")
    await read(pod, BOB, room_id, 2)
    await read(pod, ADA, room_id, 3)
    await ear.hears(
        ("receipt:read", "bob", 2, among("bob"), None),
        ("receipt:read", "ada", 3, among("ada"), None),
    )
    assert await known(pod, ADA, room_id) == {"ada": (3, 3)}
    assert await known(pod, BOB, room_id) == {"bob": (2, 2)}


async def test_what_is_hidden_is_never_acknowledged(
    house: House, pods: tuple[PodServices, PodServices], ear: Ear
) -> None:
    pod = pods[0]
    room_id = await direct(pod)
    await pod.send("ada", room_id)
    house.blocks.block("bob", "ada")
    await pod.send("ada", room_id, "hidden")
    house.blocks.unblock("bob", "ada")
    await ear.follow(room_id)
    await read(pod, BOB, room_id, 3)
    await ear.hears(
        ("receipt:read", "bob", 2, among("ada"), None),
        ("receipt:read", "bob", 3, among("bob"), None),
    )
    assert await known(pod, ADA, room_id) == {"bob": (2, 2)}
    await pod.send("ada", room_id, "seen")
    await read(pod, BOB, room_id, 4)
    await ear.hears(("receipt:read", "bob", 4, among("ada", "bob"), None))


async def test_in_a_large_room_authors_are_told_how_many(
    house: House, pods: tuple[PodServices, PodServices], ear: Ear
) -> None:
    pod = pods[0]
    others = [f"p{number:03}" for number in range(LARGE_ROOM)]
    for name in others:
        account = Account(
            user_id=UserId(name),
            username=name,
            display_name=name,
            password_hash="",
            created_at=utc_now(),
        )
        await house.store.accounts.add(account)
    room = await pod.group("ada", *others)
    await ear.follow(room.id)
    seq = (await pod.send("ada", room.id)).seq
    await asyncio.gather(*(delivered(pod, actor(name), room.id, seq) for name in others[:40]))
    await asyncio.gather(*(read(pod, actor(name), room.id, seq) for name in others[:3]))
    await reaches(ear, lambda data: (data["delivered"], data["read"]) == (40, 3))
    assert {(data["roomId"], data["seq"], to) for data, to in ear.summaries} == {
        (room.id, seq, among("ada"))
    }
    assert len(ear.summaries) <= 3
    await until(lambda: len(ear.heard) >= 3)
    assert sorted(ear.heard) == [
        ("receipt:read", name, seq, among(name), None) for name in others[:3]
    ]


async def reaches(ear: Ear, met: Callable[[dict[str, Any]], bool]) -> None:
    await until(lambda: any(met(data) for data, _ in ear.summaries))


async def since(
    pod: PodServices, viewer: Actor, mark: str, **cursors: int
) -> tuple[list[SyncedRoom], str]:
    """What a client is told that holds these rooms, and the mark that it holds then."""
    held = {RoomId(room_id): Rev(rev) for room_id, rev in cursors.items()}
    answer = await pod.sync.sync(viewer, Sync(cursors=held, receipts_since=mark))
    assert not answer.more
    assert answer.receipts_at is not UNSET
    return answer.rooms, answer.receipts_at


async def test_receipts_that_were_missed_are_found_without_any_change(
    pods: tuple[PodServices, PodServices],
) -> None:
    pod = pods[0]
    quiet, moved = await pod.group("ada", "bob"), await pod.group("ada", "bob")
    seq = (await pod.send("ada", moved.id)).seq
    held = {quiet.id: (await pod.rooms.get(ADA, GetRoom(room_id=quiet.id))).rev, moved.id: seq}
    assert (await since(pod, ADA, "", **held))[0] == []
    _, mark = await since(pod, ADA, "", **held)
    await read(pods[1], BOB, moved.id, seq)
    for viewer in (ADA, BOBS_TABLET):
        (synced,), later = await since(pod, viewer, mark, **held)
        assert (synced.room_id, synced.state, synced.rev) == (moved.id, "recovered", seq)
        assert (synced.messages, synced.room) == ([], UNSET)
        assert synced.receipts == [Receipt(user_id=UserId("bob"), delivered_seq=seq, read_seq=seq)]
        assert later >= mark


async def test_whoever_does_not_ask_for_receipts_is_not_told(
    pods: tuple[PodServices, PodServices],
) -> None:
    pod = pods[0]
    room = await pod.group("ada", "bob")
    head = (await pod.rooms.get(ADA, GetRoom(room_id=room.id))).rev
    await read(pod, BOB, room.id, head)
    answer = await pod.sync.sync(ADA, Sync(cursors={room.id: head}))
    assert (answer.rooms, answer.receipts_at) == ([], UNSET)


async def test_private_reading_is_no_news_to_others(
    house: House, pods: tuple[PodServices, PodServices]
) -> None:
    pod = pods[0]
    await house.store.accounts.update(UserId("bob"), read_receipts=False)
    room = await pod.group("ada", "bob")
    seq = (await pod.send("ada", room.id)).seq
    _, begun = await since(pod, ADA, "", **{room.id: seq})
    await delivered(pod, BOB, room.id, seq)
    (told,), _ = await since(pod, ADA, begun, **{room.id: seq})
    await read(pod, BOB, room.id, seq)
    (again,), _ = await since(pod, ADA, begun, **{room.id: seq})
    assert told == again
    (own,), _ = await since(pod, BOBS_TABLET, begun, **{room.id: seq})
    assert own.receipts[0].read_seq == seq


async def test_receipts_of_many_rooms_come_page_by_page(
    pods: tuple[PodServices, PodServices], monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = pods[0]
    rooms = [(await pod.group("ada", "bob")).id for _ in range(7)]
    held = {room_id: Rev(1) for room_id in rooms}
    for room_id in rooms:
        held[room_id] = (await pod.rooms.get(ADA, GetRoom(room_id=room_id))).rev
    _, mark = await since(pod, ADA, "", **held)
    for room_id in rooms[1:]:
        await read(pod, BOB, room_id, 1)
    monkeypatch.setattr("whatchat.features.sync.page.MAX_BYTES", ENVELOPE_BYTES + 1_000)
    told: list[RoomId] = []
    more = True
    while more:
        answer = await pod.sync.sync(ADA, Sync(cursors=held, receipts_since=mark))
        assert answer.receipts_at is not UNSET
        more, mark = answer.more, answer.receipts_at
        told += [one.room_id for one in answer.rooms]
    assert told == sorted(rooms[1:])
    assert "." not in mark


@pytest.mark.parametrize("mark", ["x", "1.x", "-1", "9" * 20])
async def test_a_mark_that_nobody_gave_is_refused(
    pods: tuple[PodServices, PodServices], mark: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await pods[0].sync.sync(ADA, Sync(cursors={}, receipts_since=mark))
    assert refused.value.field == "receiptsSince"
