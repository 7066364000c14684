"""What a blocked person writes in a direct room: there for that person, nowhere for the blocker."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.integration.services.conftest import House, PodServices, actor
from tests.integration.services.screens import Screen, Screens, caught_up, fresh
from tests.unit.client.comparable import comparable
from whatchat.domain.actor import Actor
from whatchat.domain.audience import Announcement, InRoom, ToUser
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import (
    ClientId,
    MessageId,
    Rev,
    RoomId,
    Seq,
    UserId,
    message_id,
    random_id,
)
from whatchat.domain.models import Message, Room
from whatchat.features.messages.contract import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    ReadHistory,
    RemoveReaction,
    SendMessage,
)
from whatchat.features.rooms.contract import (
    CreateRoom,
    GetRoom,
    ListRooms,
    SettingsPatch,
    UpdateRoom,
)
from whatchat.realtime.tasks import Tasks

ADA, BOB = actor("ada"), actor("bob")


@dataclass
class Pair:
    """Ada and Bob in their direct room, each on a pod of their own; Ada is about to block Bob."""

    house: House
    adas: Screens
    bobs: Screens
    room_id: RoomId
    ada: Screen
    phone: Screen
    desk: Screen
    hers: Message
    his: Message

    async def settle(self) -> Rev:
        head = (await self.house.store.rooms.heads([self.room_id]))[self.room_id]
        await self.adas.settle(self.room_id, head)
        await self.bobs.settle(self.room_id, head)
        return head

    async def say(self, screen: Screen, content: str, reply_to: MessageId | None = None) -> Message:
        command = SendMessage(
            room_id=self.room_id, client_id=ClientId(random_id()), content=content
        )
        if reply_to:
            command = SendMessage(
                room_id=self.room_id,
                client_id=ClientId(random_id()),
                content=content,
                reply_to=reply_to,
            )
        answer = (await screen.pod.messages.send(screen.actor, command)).value
        await self.settle()
        return screen.keep(answer)

    async def edit(self, screen: Screen, message: Message, content: str) -> Message:
        command = EditMessage(message_id=message.id, content=content)
        answer = await screen.pod.messages.edit(screen.actor, command)
        await self.settle()
        return screen.keep(answer)

    async def react(self, screen: Screen, message: Message, emoji: str = "👍") -> Message:
        command = AddReaction(message_id=message.id, emoji=emoji)
        answer = await screen.pod.messages.react(screen.actor, command)
        await self.settle()
        return screen.keep(answer)

    async def unreact(self, screen: Screen, message: Message, emoji: str = "👍") -> Message:
        command = RemoveReaction(message_id=message.id, emoji=emoji)
        answer = await screen.pod.messages.unreact(screen.actor, command)
        await self.settle()
        return screen.keep(answer)

    async def delete(self, screen: Screen, message: Message) -> Message:
        command = DeleteMessage(message_id=message.id)
        answer = await screen.pod.messages.delete(screen.actor, command)
        await self.settle()
        return screen.keep(answer)

    async def speak_unheard(self) -> Message:
        """Bob does all there is to do, blocked; returns a message that Ada does not see."""
        hidden = await self.say(self.phone, "unheard words")
        await self.edit(self.phone, hidden, "unheard words, edited")
        await self.react(self.phone, hidden, "🎉")
        await self.unreact(self.phone, hidden, "🎉")
        await self.say(self.phone, "unheard answer", hidden.id)
        gone = await self.say(self.phone, "unheard and gone")
        await self.delete(self.phone, gone)
        await self.edit(self.phone, self.his, "his words, unheard")
        await self.react(self.phone, self.his, "🙈")
        await self.react(self.phone, self.hers, "🙉")
        return hidden


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    owner = Tasks()
    yield owner
    await owner.close()


@pytest.fixture
async def pair(house: House, tasks: Tasks) -> Pair:
    one, other = await house.pod(), await house.pod()
    created = await one.rooms.create(ADA, CreateRoom(kind="direct", participants=(BOB.user_id,)))
    room_id = created.value.id
    hers = await one.send("ada", room_id, "her words")
    his = await other.send("bob", room_id, "his words")
    adas, bobs = Screens(one, tasks), Screens(other, tasks)
    return Pair(
        house,
        adas,
        bobs,
        room_id,
        ada=await adas.open("ada", "ada-phone", room_id),
        phone=await bobs.open("bob", "bob-phone", room_id),
        desk=await bobs.open("bob", "bob-desk", room_id),
        hers=hers,
        his=his,
    )


async def listed(pod: PodServices, user: str) -> Room:
    (room,) = (await pod.rooms.list(actor(user), ListRooms())).rooms
    assert await pod.rooms.get(actor(user), GetRoom(room_id=room.id)) == room
    return room


async def history(pod: PodServices, user: str, room_id: RoomId) -> list[Message]:
    return (await pod.messages.history(actor(user), ReadHistory(room_id=room_id))).messages


async def test_the_blocker_sees_nothing_of_it_by_any_route(pair: Pair) -> None:
    for pod in (pair.adas.pod, pair.bobs.pod):
        before, room = await fresh(pod, "ada"), await listed(pod, "ada")
        messages = await history(pod, "ada", pair.room_id)
        known = before.rooms[pair.room_id].cursor
        pair.house.blocks.block("ada", "bob")
        await pair.speak_unheard()
        head = await pair.settle()
        pair.house.blocks.unblock("ada", "bob")

        assert await history(pod, "ada", pair.room_id) == messages
        after = await listed(pod, "ada")
        assert (after.last_message, after.unread) == (room.last_message, room.unread)
        assert (after.last_activity, after.rev) == (room.last_activity, head)
        for limit in (1, 200):
            recovered = await caught_up(pod, before, limit=limit)
            assert recovered.rooms[pair.room_id].messages == before.rooms[pair.room_id].messages
            assert recovered.rooms[pair.room_id].cursor == head
        snapshot = await fresh(pod, "ada")
        assert snapshot.rooms[pair.room_id].messages == before.rooms[pair.room_id].messages
        expected = [("room:rev", rev) for rev in range(known + 1, head + 1)]
        assert pair.ada.names(pair.room_id, known) == expected
        assert "unheard" not in pair.ada.text()


async def test_the_blocked_person_notices_nothing(pair: Pair) -> None:
    known = (await fresh(pair.bobs.pod, "bob")).rooms[pair.room_id].cursor
    pair.house.blocks.block("ada", "bob")
    hidden = await pair.speak_unheard()
    head = await pair.settle()
    pod = pair.adas.pod
    room, messages = await listed(pod, "bob"), await history(pod, "bob", pair.room_id)
    assert [one.content for one in messages] == [
        "her words",
        "his words, unheard",
        "unheard words, edited",
        "unheard answer",
        "",
    ]
    assert messages[2].id == hidden.id
    assert (room.last_message, room.unread) == (messages[-1], 1)
    assert room.last_activity == messages[-1].created_at
    assert [rev for _, rev in pair.desk.names(pair.room_id, known)] == [*range(known + 1, head + 1)]
    assert "room:rev" not in dict(pair.desk.names(pair.room_id, known))
    expected = comparable(await fresh(pod, "bob"))
    assert comparable(pair.phone.now) == comparable(pair.desk.now) == expected


async def test_nothing_can_be_done_to_what_is_hidden(pair: Pair) -> None:
    pair.house.blocks.block("ada", "bob")
    hidden = (await pair.say(pair.phone, "unheard")).id
    reply = SendMessage(
        room_id=pair.room_id, client_id=ClientId(random_id()), content="?", reply_to=hidden
    )
    for pod in pair.house.pods:
        attempts = (
            pod.messages.send(ADA, reply),
            pod.messages.edit(ADA, EditMessage(message_id=hidden, content="mine")),
            pod.messages.delete(ADA, DeleteMessage(message_id=hidden)),
            pod.messages.react(ADA, AddReaction(message_id=hidden, emoji="👍")),
            pod.messages.unreact(ADA, RemoveReaction(message_id=hidden, emoji="👍")),
        )
        unknown = message_id(pair.room_id, Seq(999))
        for attempt in attempts:
            with pytest.raises(ChatError) as refused:
                await attempt
            assert refused.value.code == "not_found"
        with pytest.raises(ChatError) as nowhere:
            await pod.messages.delete(ADA, DeleteMessage(message_id=unknown))
        assert nowhere.value.text == refused.value.text


async def test_after_unblocking_what_is_new_is_heard_and_nothing_else(pair: Pair) -> None:
    pair.house.blocks.block("ada", "bob")
    hidden = await pair.speak_unheard()
    pair.house.blocks.unblock("ada", "bob")
    before = await history(pair.adas.pod, "ada", pair.room_id)
    await pair.edit(pair.phone, hidden, "unheard for ever")
    await pair.say(pair.phone, "unheard too", hidden.id)
    assert await history(pair.adas.pod, "ada", pair.room_id) == before

    new = await pair.say(pair.phone, "hello again")
    assert (await history(pair.adas.pod, "ada", pair.room_id)) == [*before, new]
    room = await listed(pair.adas.pod, "ada")
    assert (room.last_message, room.unread) == (new, 2)
    shown = await pair.edit(pair.phone, pair.his, "his words, heard")
    seen = (await history(pair.adas.pod, "ada", pair.room_id))[1]
    assert (seen.content, seen.rev) == ("his words, heard", shown.rev)
    assert seen.reactions == []
    assert "unheard" not in pair.ada.text()
    assert comparable(pair.ada.now) == comparable(await fresh(pair.adas.pod, "ada"))


async def test_an_exact_retry_answers_the_same_and_stays_hidden(pair: Pair) -> None:
    pair.house.blocks.block("ada", "bob")
    command = SendMessage(room_id=pair.room_id, client_id=ClientId(random_id()), content="unheard")
    first = await pair.phone.pod.messages.send(BOB, command)
    pair.house.blocks.unblock("ada", "bob")
    for pod in pair.house.pods:
        again = await pod.messages.send(BOB, command)
        assert (again.value, again.created) == (first.value, False)
    await pair.settle()
    assert "unheard" not in pair.ada.text()


async def test_what_is_told_again_from_the_log_hides_the_same(pair: Pair) -> None:
    pair.house.blocks.block("ada", "bob")
    await pair.speak_unheard()
    await pair.react(pair.ada, pair.his)
    for pod in pair.house.pods:
        told = await pod.log.announcements(pair.room_id, after=Rev(3), limit=100)
        for one in told[:-1]:
            assert one.audience.only == UserId("bob")  # type: ignore[union-attr] # a room's
            assert one.others == b""
        assert told[-1].audience.only == UserId("bob")  # type: ignore[union-attr] # a room's
        assert b"unheard" in told[-1].payload
        assert b"unheard" not in told[-1].others
        assert b"his words" in told[-1].others


@pytest.mark.parametrize("who", [ADA, BOB], ids=lambda one: str(one.user_id))
async def test_a_change_of_the_room_does_not_say_when_it_was_written(
    pair: Pair, who: Actor
) -> None:
    pair.house.blocks.block("ada", "bob")
    await asyncio.sleep(0.002)  # times have milliseconds
    await pair.speak_unheard()
    settings = SettingsPatch(disappear_after_seconds=60)
    await pair.adas.pod.rooms.update(who, UpdateRoom(room_id=pair.room_id, settings=settings))
    await pair.settle()
    for screen in (pair.ada, pair.phone, pair.desk):
        told = [data for name, data in screen.link.events() if name == "room:updated"]
        room = await listed(screen.pod, screen.actor.user_id)
        assert [one["room"]["lastActivity"] for one in told] == [room.last_activity]
        assert comparable(screen.now) == comparable(await fresh(screen.pod, screen.actor.user_id))
    activity = (await listed(pair.adas.pod, "ada")).last_activity
    for pod in pair.house.pods:
        told = await pod.log.announcements(pair.room_id, after=Rev(0), limit=100)
        hers = [json.loads(_as_told_to_ada(one)) for one in told if one.event.startswith("room:")]
        assert [one["room"]["lastActivity"] for one in hers if one] == [activity] * 2


def _as_told_to_ada(one: Announcement) -> bytes:
    if isinstance(one.audience, ToUser):
        return one.payload if one.audience.user_id == ADA.user_id else b"null"
    assert isinstance(one.audience, InRoom)
    return one.payload if one.audience.only in (None, ADA.user_id) else one.others


async def test_in_a_group_everybody_hears_everybody(house: House) -> None:
    pod = await house.pod()
    room = await pod.group("ada", "bob")
    house.blocks.block("ada", "bob")
    message = await pod.send("bob", room.id, "to all")
    assert (await history(pod, "ada", room.id))[-1] == message


async def test_who_blocks_is_heard_by_whom_it_blocked(pair: Pair) -> None:
    pair.house.blocks.block("ada", "bob")
    message = await pair.say(pair.ada, "still here")
    assert (await history(pair.bobs.pod, "bob", pair.room_id))[-1] == message
