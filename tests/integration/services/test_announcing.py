"""What is in the log is told, in order, to those whom it concerns."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from tests.integration.services.conftest import House, PodServices, actor
from whatchat.adapters.embedded.broker import InProcessBroker
from whatchat.domain.audience import Announcement, InRoom, ToUser
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, SessionId, UserId
from whatchat.features.messages.contract import DeleteMessage, EditMessage, SendMessage
from whatchat.features.rooms.contract import (
    AddMembers,
    GrantAdmin,
    LeaveRoom,
    RemoveMember,
    SettingsPatch,
    UpdateRoom,
)
from whatchat.roomlog import announcing

ADA = actor("ada")
BOB = UserId("bob")


async def listening(pod: PodServices, room_id: RoomId) -> list[Announcement]:
    found: list[Announcement] = []
    pod.broker.listen(found.append)
    await pod.broker.subscribe_rooms([room_id])
    for name in ("ada", "bob", "eve"):
        await pod.broker.subscribe_user(UserId(name))
    return found


def kinds(found: Sequence[Announcement]) -> list[tuple[str, str, int]]:
    return [
        (
            one.event,
            "room" if isinstance(one.audience, InRoom) else one.audience.user_id,
            one.rev,
        )
        for one in found
    ]


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
        ("room:updated", "room", 6),
        ("room:created", "eve", 6),
        ("room:updated", "room", 7),
        ("room:removed", "bob", 8),
        ("room:updated", "room", 8),
        ("room:removed", "eve", 9),
        ("room:updated", "room", 9),
    ]
    changes = [json.loads(one.payload).get("change") for one in found[3:]]
    assert changes == [
        {"kind": "updated"},
        {"kind": "added", "userIds": ["eve"]},
        {"kind": "added", "userIds": ["eve"]},
        {"kind": "role", "userIds": ["bob"], "role": "admin"},
        {"kind": "removed", "userIds": ["bob"]},
        {"kind": "removed", "userIds": ["bob"]},
        {"kind": "left", "userIds": ["eve"]},
        {"kind": "left", "userIds": ["eve"]},
    ]
    entering, leaving = found[5].audience, found[7].audience
    assert entering == ToUser(user_id=UserId("eve"), enters=room.id, joined_seq=Seq(6))
    assert leaving == ToUser(user_id=BOB, leaves=room.id)
    assert json.loads(found[7].payload)["room"]["participants"] == []


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
    assert [one.audience.except_session for one in found] == ["socket"]


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
    monkeypatch.setattr(announcing, "RETRY_SECONDS", 0.01)
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
    arrived = asyncio.Event()
    pod.broker.listen(lambda one: arrived.set() if one.rev == 3 else None)
    pod.broker.is_down = False
    await asyncio.wait_for(arrived.wait(), 5)
    await asyncio.sleep(0.05)
    assert kinds(found) == [("message:new", "room", 2), ("message:new", "room", 3)]
