"""What is in the log is told, in order, to those whom it concerns."""

import asyncio
import json
from collections.abc import Awaitable, Sequence
from time import time

import pytest
from msgspec.structs import replace

from tests.integration.services.conftest import House, PodServices, actor
from tests.integration.services.gate import GatedMessageStore, LateMessageStore
from tests.samples import sample
from tests.waiting import until
from whatchat.adapters.embedded.broker import InProcessBroker
from whatchat.domain.audience import Announcement, InRoom, ToUser
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, SessionId, UserId
from whatchat.domain.log import Entry
from whatchat.domain.ports.message_store import Appended, MessageStore
from whatchat.features.messages.contract import DeleteMessage, EditMessage, SendMessage
from whatchat.features.rooms.contract import (
    AddMembers,
    GrantAdmin,
    LeaveRoom,
    RemoveMember,
    SettingsPatch,
    UpdateRoom,
)
from whatchat.roomlog import announcing, dirty_rooms

ADA = actor("ada")
BOB = UserId("bob")


async def listening(pod: PodServices, room_id: RoomId) -> list[Announcement]:
    found: list[Announcement] = []
    pod.broker.listen(found.append)
    await pod.broker.subscribe_rooms([room_id])
    for name in ("ada", "bob", "eve"):
        await pod.broker.subscribe_users([UserId(name)])
    return found


def kinds(found: Sequence[Announcement]) -> list[tuple[str, str, int]]:
    return [
        (
            one.event,
            one.audience.user_id if isinstance(one.audience, ToUser) else "room",
            one.rev,
        )
        for one in found
    ]


async def test_only_what_was_written_just_now_says_when(house: House) -> None:
    pod = await house.pod()
    room = await pod.group("ada", "bob")
    found = await listening(pod, room.id)
    before = time()
    message = await pod.send("ada", room.id)
    again = SendMessage(room_id=room.id, client_id=message.client_id, content=message.content)
    await pod.messages.send(ADA, again)
    sent, repeated = found
    assert before <= sent.accepted_at <= time()
    replayed = await pod.log.announcements(room.id, after=Rev(0), limit=10)
    assert {one.accepted_at for one in (repeated, *replayed)} == {0.0}


async def test_each_change_has_its_events_and_audiences(house: House) -> None:
    pod = await house.pod()
    room = await pod.group("ada", "bob")
    found = await listening(pod, room.id)
    message = await pod.send("ada", room.id)
    await pod.messages.edit(ADA, EditMessage(message_id=message.id, content="new"))
    await pod.messages.delete(ADA, DeleteMessage(message_id=message.id))
    await pod.rooms.update(ADA, UpdateRoom(room_id=room.id, name="New"))
    await pod.rooms.add(ADA, AddMembers(room_id=room.id, user_ids=(UserId("eve"),)))
    await pod.rooms.grant_admin(ADA, GrantAdmin(room_id=room.id, user_id=BOB))
    await pod.rooms.remove(ADA, RemoveMember(room_id=room.id, user_id=BOB))
    await pod.rooms.leave(actor("eve"), LeaveRoom(room_id=room.id))
    assert kinds(found) == [
        ("message:new", "room", 2),
        ("message:updated", "room", 3),
        ("message:deleted", "room", 4),
        ("room:updated", "room", 5),
        ("message:new", "room", 6),
        ("room:updated", "room", 7),
        ("room:created", "eve", 7),
        ("message:new", "room", 8),
        ("room:updated", "room", 9),
        ("message:new", "room", 10),
        ("room:removed", "bob", 11),
        ("room:updated", "room", 11),
        ("message:new", "room", 12),
        ("room:removed", "eve", 13),
        ("room:updated", "room", 13),
        ("message:new", "room", 14),
    ]
    told = [json.loads(one.payload) for one in found[3:]]
    assert [one["message"]["content"] for one in told if "message" in one] == [
        "Ada changed the name to “New”",
        "Ada added Eve",
        "Ada made Bob an admin",
        "Ada removed Bob",
        "Eve left",
    ]
    assert [one["change"] for one in told if "change" in one] == [
        {"kind": "updated"},
        {"kind": "added", "userIds": ["eve"]},
        {"kind": "added", "userIds": ["eve"]},
        {"kind": "role", "userIds": ["bob"], "role": "admin"},
        {"kind": "removed", "userIds": ["bob"]},
        {"kind": "removed", "userIds": ["bob"]},
        {"kind": "left", "userIds": ["eve"]},
        {"kind": "left", "userIds": ["eve"]},
    ]
    entering, leaving = found[6].audience, found[10].audience
    assert entering == ToUser(user_id=UserId("eve"), enters=room.id, joined_seq=Seq(7))
    assert leaving == ToUser(user_id=BOB, leaves=room.id)
    assert json.loads(found[10].payload)["room"]["participants"] == []


async def test_a_new_room_is_told_to_its_people_alone(house: House) -> None:
    pod = await house.pod()
    found = await listening(pod, RoomId("none"))
    await pod.group("ada", "bob")
    assert kinds(found) == [("room:created", "ada", 1), ("room:created", "bob", 1)]


async def test_in_a_private_room_older_messages_are_not_told_to_who_came_later(
    house: House,
) -> None:
    pod = await house.pod()
    for settings, seq in ((SettingsPatch(), Seq(2)), (SettingsPatch(is_private=False), None)):
        room = await pod.group("ada", settings=settings)
        message = await pod.send("ada", room.id)
        found = await listening(pod, room.id)
        await pod.messages.edit(ADA, EditMessage(message_id=message.id, content="new"))
        assert [one.audience for one in found] == [InRoom(room_id=room.id, seq=seq)]


async def test_the_socket_that_sent_has_its_ack(house: House) -> None:
    pod = await house.pod()
    room = await pod.group("ada")
    found = await listening(pod, room.id)
    sender = replace(ADA, session_id=SessionId("socket"))
    command = SendMessage(room_id=room.id, client_id=ClientId("c" * 16), content="hi")
    await pod.messages.send(sender, command)
    assert [one.audience for one in found] == [
        InRoom(room_id=room.id, seq=Seq(2), except_session=SessionId("socket"))
    ]


async def test_a_replay_tells_the_same_from_the_store(house: House) -> None:
    pod = await house.pod()
    room = await pod.group("ada", "bob")
    found = await listening(pod, room.id)
    await pod.send("ada", room.id)
    await pod.rooms.update(ADA, UpdateRoom(room_id=room.id, name="New"))
    await pod.send("bob", room.id)
    assert kinds(await pod.log.announcements(room.id, after=Rev(1), limit=10)) == kinds(found)
    assert kinds(await pod.log.announcements(room.id, after=Rev(2), limit=1)) == kinds(found[1:2])
    assert await pod.log.announcements(RoomId("nowhere"), after=Rev(0), limit=10) == []


async def test_a_replay_is_not_for_the_socket_that_has_an_ack(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "MAX_ORIGINS", 2)
    pod, elsewhere = await house.pod(), await house.pod()
    room = await pod.group("ada", "bob")
    here = replace(ADA, session_id=SessionId("socket"))
    for number in range(3):
        said = SendMessage(room_id=room.id, client_id=ClientId(f"c{number:021}"), content="hello")
        await pod.messages.send(here, said)

    async def excepted(by: PodServices) -> list[SessionId | None]:
        found = await by.log.announcements(room.id, after=Rev(1), limit=10)
        return [one.audience.except_session for one in found if isinstance(one.audience, InRoom)]

    assert await excepted(pod) == [None, "socket", "socket"], "the last two are remembered"
    assert await excepted(elsewhere) == [None] * 3


class DeafExchangeBroker(InProcessBroker):
    """A broker that cannot publish for a while."""

    is_down = False

    async def publish(self, announcements: Sequence[Announcement]) -> None:
        if self.is_down:
            raise Unavailable
        await super().publish(announcements)


async def test_a_room_whose_publish_failed_is_announced_until_it_succeeds(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dirty_rooms, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr("tests.integration.services.conftest.InProcessBroker", DeafExchangeBroker)
    pod = await house.pod()
    assert isinstance(pod.broker, DeafExchangeBroker)
    pod.log.start()
    room = await pod.group("ada", "bob")
    found = await listening(pod, room.id)
    pod.broker.is_down = True
    for text in ("one", "two"):
        assert (await pod.send("ada", room.id, text)).content == text
    await asyncio.sleep(0.05)
    assert found == []
    assert sample(pod.metrics, "dirty_rooms") == 1
    arrived = asyncio.Event()
    pod.broker.listen(lambda one: arrived.set() if one.rev == 3 else None)
    pod.broker.is_down = False
    await asyncio.wait_for(arrived.wait(), 5)
    await asyncio.sleep(0.05)
    assert kinds(found) == [("message:new", "room", 2), ("message:new", "room", 3)]
    assert sample(pod.metrics, "dirty_rooms") == 0


class SilentBroker(InProcessBroker):
    """A broker that never answers."""

    async def publish(self, announcements: Sequence[Announcement]) -> None:
        await asyncio.Event().wait()


async def test_a_broker_that_does_not_answer_keeps_no_ack_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "STOP_SECONDS", 0.01)
    monkeypatch.setattr("tests.integration.services.conftest.InProcessBroker", SilentBroker)
    pod = await house.pod()
    room = await pod.group("ada", "bob")
    assert (await pod.send("ada", room.id)).seq == 2


async def test_what_was_written_without_a_word_is_announced_all_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store writes and does not answer; the sender never comes back."""
    monkeypatch.setattr(dirty_rooms, "RETRY_SECONDS", 0.01)
    late = LateMessageStore(house.store.messages)
    pod = await house.pod(late)
    pod.log.start()
    room = await pod.group("ada", "bob")
    found = await listening(pod, room.id)
    arrived = asyncio.Event()
    pod.broker.listen(lambda one: arrived.set() if one.rev == 2 else None)
    late.is_late = True
    with pytest.raises(Unavailable):
        await pod.send("ada", room.id)
    await asyncio.wait_for(arrived.wait(), 5)
    assert kinds(found) == [("message:new", "room", 2)]


class BrittleBroker(InProcessBroker):
    """A broker that fails in a way that no broker may, and then works."""

    failures = 0

    async def publish(self, announcements: Sequence[Announcement]) -> None:
        if self.failures:
            self.failures -= 1
            raise ZeroDivisionError
        await super().publish(announcements)


async def test_no_failure_ends_the_repeating(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dirty_rooms, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr("tests.integration.services.conftest.InProcessBroker", BrittleBroker)
    pod = await house.pod()
    assert isinstance(pod.broker, BrittleBroker)
    pod.log.start()
    room = await pod.group("ada", "bob")
    await listening(pod, room.id)
    arrived = asyncio.Event()
    pod.broker.listen(lambda one: arrived.set() if one.rev == 2 else None)
    pod.broker.failures = 3
    await pod.send("ada", room.id)
    await asyncio.wait_for(arrived.wait(), 5)


async def test_who_is_put_out_is_told_nothing_that_came_later(house: House) -> None:
    pod = await house.pod()
    room = await pod.group("ada", "bob")
    await pod.rooms.remove(ADA, RemoveMember(room_id=room.id, user_id=BOB))
    await pod.rooms.update(ADA, UpdateRoom(room_id=room.id, name="Without Bob"))
    told = await pod.log.announcements(room.id, after=Rev(1), limit=10)
    (farewell,) = [one for one in told if one.event == "room:removed"]
    assert json.loads(farewell.payload)["room"]["rev"] == 2
    assert b"Without Bob" not in farewell.payload


class WatchedMessageStore(GatedMessageStore):
    """A store that notes whose log is read, and keeps one room's readers waiting."""

    def __init__(self, inner: MessageStore) -> None:
        super().__init__(inner)
        self.read: list[RoomId] = []
        self.hanging: RoomId | None = None
        self.goes_on = asyncio.Event()

    async def entries(self, room_id: RoomId, *, after: Rev, limit: int) -> list[Entry]:
        self.read.append(room_id)
        if room_id == self.hanging:
            await self.goes_on.wait()
        return await self._inner.entries(room_id, after=after, limit=limit)


async def test_a_broker_that_is_away_costs_few_reads_however_many_rooms_are_dirty(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dirty_rooms, "AT_ONCE", 2)
    monkeypatch.setattr("tests.integration.services.conftest.InProcessBroker", DeafExchangeBroker)
    messages = WatchedMessageStore(house.store.messages)
    pod = await house.pod(messages)
    assert isinstance(pod.broker, DeafExchangeBroker)
    rooms = {(await pod.group("ada")).id for _ in range(6)}
    for room_id in rooms:
        pod.log._announcing.dirty.add(room_id, Rev(0))
    pod.broker.is_down = True
    for tried in (2, 4, 6):
        await pod.log._announcing.dirty.clean()
        assert len(messages.read) == tried
    assert set(messages.read) == rooms, "none is tried again before the others were"

    pod.broker.is_down = False
    found = await listening(pod, RoomId("none"))
    await pod.log._announcing.dirty.clean()
    assert {one.room_id for one in found} == rooms


async def test_a_room_that_hangs_holds_up_no_others(house: House) -> None:
    messages = WatchedMessageStore(house.store.messages)
    pod = await house.pod(messages)
    hanging, *others = [(await pod.group("ada")).id for _ in range(5)]
    found = await listening(pod, hanging)
    for room_id in (hanging, *others):
        pod.log._announcing.dirty.add(room_id, Rev(0))
    messages.hanging = hanging
    cleaning = asyncio.create_task(pod.log._announcing.dirty.clean())
    await until(lambda: {one.room_id for one in found} == set(others))
    messages.goes_on.set()
    await cleaning
    assert found[-1].room_id == hanging


async def test_a_pod_that_ends_announces_what_it_still_owes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.integration.services.conftest.InProcessBroker", DeafExchangeBroker)
    pod = await house.pod()
    assert isinstance(pod.broker, DeafExchangeBroker)
    pod.log.start()
    room = await pod.group("ada", "bob")
    found = await listening(pod, room.id)
    pod.broker.is_down = True
    await pod.send("ada", room.id)
    await until(lambda: not pod.log._announcing.all_told)
    pod.broker.is_down = False
    await pod.log.stop()
    assert kinds(found) == [("message:new", "room", 2)]
    assert pod.log._announcing.all_told


async def test_a_pod_that_cannot_announce_ends_and_owes_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.integration.services.conftest.InProcessBroker", DeafExchangeBroker)
    pod = await house.pod()
    assert isinstance(pod.broker, DeafExchangeBroker)
    pod.log.start()
    room = await pod.group("ada", "bob")
    pod.broker.is_down = True
    await pod.send("ada", room.id)
    await pod.log.stop()
    assert not pod.log._announcing.all_told


class TardyMessageStore(LateMessageStore):
    """A store that gives up on an append, which is carried out later all the same."""

    async def append(self, entries: Sequence[Entry]) -> Appended:
        if not self.is_late:
            return await super().append(entries)
        self.appending = asyncio.create_task(self._later(entries))
        raise Unavailable

    async def _later(self, entries: Sequence[Entry]) -> Appended:
        await self._open.wait()
        return await self._inner.append(entries)


async def test_what_comes_into_the_log_after_its_sender_was_refused_is_announced(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dirty_rooms, "RETRY_SECONDS", 0.01)
    tardy = TardyMessageStore(house.store.messages)
    pod = await house.pod(tardy)
    pod.log.start()
    room = await pod.group("ada", "bob")
    found = await listening(pod, room.id)
    tardy.is_late = True
    tardy.shut()
    with pytest.raises(Unavailable):
        await pod.send("ada", room.id)
    await asyncio.sleep(0.1)  # the room is looked at several times, and there is nothing
    tardy.open()
    await until(lambda: kinds(found) == [("message:new", "room", 2)])
    await tardy.appending


async def test_a_doubt_ends(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dirty_rooms, "DOUBT_SECONDS", 0.05)
    pod = await house.pod()
    room = await pod.group("ada")
    dirty = pod.log._announcing.dirty
    dirty.doubt(room.id, Rev(1))
    await dirty.clean()
    assert dirty
    await asyncio.sleep(0.06)
    await dirty.clean()
    assert not dirty


class RefusingBroker(InProcessBroker):
    """A broker that refuses on the spot."""

    def publish(self, announcements: Sequence[Announcement]) -> Awaitable[None]:
        raise Unavailable


async def test_a_broker_that_refuses_on_the_spot_keeps_no_ack_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.integration.services.conftest.InProcessBroker", RefusingBroker)
    pod = await house.pod()
    room = await pod.group("ada", "bob")
    assert (await pod.send("ada", room.id)).seq == 2
    assert "whatchat_dirty_rooms 1.0" in pod.metrics.render().decode()
