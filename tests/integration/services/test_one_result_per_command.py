"""An id makes a command happen once, whatever goes wrong in between."""

import asyncio

import pytest
from msgspec.structs import replace

from tests.integration.services.conftest import House, actor
from tests.integration.services.gate import GatedMessageStore, LateMessageStore
from whatchat.domain.audience import Announcement, ToUser
from whatchat.domain.errors import Conflict, Unavailable
from whatchat.domain.ids import ClientId, Rev, UserId
from whatchat.features.messages.contract import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    SendMessage,
)
from whatchat.features.rooms.contract import CreateRoom, RemoveMember
from whatchat.features.sync.contract import Sync

CLIENT_ID = "the-client-id-0001"


async def test_an_exact_retry_returns_the_message_as_it_now_is(house: House) -> None:
    pod, other = await house.pod(), await house.pod()
    room = await pod.group("ada", "bob")
    command = SendMessage(room_id=room.id, client_id=ClientId(CLIENT_ID), content="one")
    first = await pod.messages.send(actor("ada"), command)
    edited = await pod.messages.edit(
        actor("ada"), EditMessage(message_id=first.value.id, content="two")
    )
    for one in (pod, other):
        again = await one.messages.send(actor("ada"), command)
        assert (first.created, again.created) == (True, False)
        assert again.value == edited
    assert await house.store.rooms.heads([room.id]) == {room.id: 3}


async def test_an_exact_retry_is_published_again(house: House) -> None:
    pod = await house.pod()
    room = await pod.group("ada", "bob")
    found: list[Announcement] = []
    pod.broker.listen(found.append)
    await pod.broker.subscribe_rooms([room.id])
    for _ in range(2):
        await pod.send("ada", room.id, "one", CLIENT_ID)
    assert [(one.event, one.rev) for one in found] == [("message:new", 2)] * 2


async def test_another_body_under_one_id_is_a_conflict(house: House) -> None:
    pod = await house.pod()
    room = await pod.group("ada", "bob")
    message = await pod.send("ada", room.id, "one", CLIENT_ID)
    with pytest.raises(Conflict):
        await pod.send("ada", room.id, "two", CLIENT_ID)
    with pytest.raises(Conflict):
        await pod.messages.edit(
            actor("ada"),
            EditMessage(message_id=message.id, content="two", client_id=ClientId(CLIENT_ID)),
        )
    (kept,) = (await pod.sync.sync(actor("bob"), Sync(cursors={}))).rooms
    assert [one.content for one in kept.messages] == ["one"]


async def test_once_erased_any_retry_gets_the_tombstone(house: House) -> None:
    pod = await house.pod()
    room = await pod.group("ada", "bob")
    message = await pod.send("ada", room.id, "secret", CLIENT_ID)
    await pod.messages.delete(actor("ada"), DeleteMessage(message_id=message.id))
    for content in ("secret", "another"):
        tombstone = await pod.send("ada", room.id, content, CLIENT_ID)
        assert (tombstone.id, tombstone.content) == (message.id, "")
        assert tombstone.deleted_at


async def test_retries_in_one_batch_are_one_message(house: House) -> None:
    gate = GatedMessageStore(house.store.messages)
    pod = await house.pod(gate)
    room = await pod.group("ada", "bob")
    gate.shut()
    blocker = asyncio.create_task(pod.send("bob", room.id, "ahead"))
    await gate.waiting.wait()
    retries = [asyncio.create_task(pod.send("ada", room.id, "one", CLIENT_ID)) for _ in range(5)]
    after = asyncio.create_task(pod.send("ada", room.id, "after"))
    await asyncio.sleep(0)
    gate.open()
    messages = await asyncio.gather(*retries)
    assert {message.id for message in messages} == {messages[0].id}
    assert [(await blocker).seq, messages[0].seq, (await after).seq] == [2, 3, 4]


async def test_a_removed_sender_still_learns_that_the_message_was_accepted(house: House) -> None:
    pod = await house.pod()
    room = await pod.group("ada", "bob")
    message = await pod.send("bob", room.id, "one", CLIENT_ID)
    await pod.rooms.remove(actor("ada"), RemoveMember(room_id=room.id, user_id=UserId("bob")))
    await pod.messages.react(actor("ada"), AddReaction(message_id=message.id, emoji="👍"))
    assert await pod.send("bob", room.id, "one", CLIENT_ID) == message


async def test_an_unknown_outcome_is_settled_by_the_id(house: House) -> None:
    late = LateMessageStore(house.store.messages)
    pod = await house.pod(late)
    room = await pod.group("ada", "bob")
    late.is_late = True
    with pytest.raises(Unavailable):
        await pod.send("ada", room.id, "one", CLIENT_ID)
    late.is_late = False
    assert (await pod.send("ada", room.id, "one", CLIENT_ID)).seq == 2
    assert (await pod.send("ada", room.id, "two")).seq == 3
    entries = await house.store.messages.entries(room.id, after=Rev(0), limit=10)
    assert len(entries) == 3


async def test_creating_a_group_again_finds_it(house: House) -> None:
    pod, other = await house.pod(), await house.pod()
    first = await pod.group("ada", "bob", client_id=CLIENT_ID)
    assert await other.group("ada", "bob", client_id=CLIENT_ID) == first
    with pytest.raises(Conflict):
        await other.group("ada", "eve", client_id=CLIENT_ID)
    assert (await other.group("bob", "ada", client_id=CLIENT_ID)).id != first.id


async def test_a_command_with_nothing_to_do_is_held_to_its_id_as_well(house: House) -> None:
    pod = await house.pod()
    client_id, ada = ClientId(CLIENT_ID), actor("ada")
    direct = CreateRoom(kind="direct", participants=(UserId("bob"),), client_id=client_id)
    room = (await pod.rooms.create(ada, direct)).value
    assert (await pod.rooms.create(ada, direct)).value == room
    with pytest.raises(Conflict):
        await pod.rooms.create(ada, replace(direct, name="Us"))

    message = await pod.send("ada", room.id, "one", "the-client-id-0002")
    edit = EditMessage(
        message_id=message.id, content="one", client_id=ClientId("the-client-id-0002")
    )
    with pytest.raises(Conflict):
        await pod.messages.edit(ada, edit)


async def test_creating_a_room_again_lets_nobody_back_in(house: House) -> None:
    pod = await house.pod()
    room = await pod.group("ada", "bob", "eve", client_id=CLIENT_ID)
    await pod.rooms.remove(actor("ada"), RemoveMember(room_id=room.id, user_id=UserId("eve")))
    found: list[Announcement] = []
    pod.broker.listen(found.append)
    await pod.broker.subscribe_rooms([room.id])
    for name in ("ada", "bob", "eve"):
        await pod.broker.subscribe_users([UserId(name)])
    assert (await pod.group("ada", "bob", "eve", client_id=CLIENT_ID)).id == room.id
    assert found == []

    told = await pod.log.announcements(room.id, after=Rev(0), limit=10)
    alone = sorted(
        (one.audience.user_id, one.event) for one in told if isinstance(one.audience, ToUser)
    )
    assert alone == [("ada", "room:created"), ("bob", "room:created"), ("eve", "room:removed")]
