"""What a group's history says about changes of the group."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from tests.integration.services.conftest import House, PodServices, actor
from tests.integration.services.gate import InterruptedMessageStore, LateMessageStore
from whatchat.domain.audience import InRoom
from whatchat.domain.errors import ChatError, Forbidden, NotFound, Unavailable
from whatchat.domain.ids import ClientId, Rev, RoomId, SessionId, UserId, message_id, random_id
from whatchat.domain.log import Entry
from whatchat.domain.models import Message, Room, User
from whatchat.domain.ports.room_log import Applied
from whatchat.domain.proposing import propose
from whatchat.features.messages.contract import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    ReadHistory,
    SendMessage,
)
from whatchat.features.rooms import rules
from whatchat.features.rooms.contract import (
    AddMembers,
    CreateRoom,
    GetRoom,
    GrantAdmin,
    JoinRoom,
    LeaveRoom,
    RemoveMember,
    RevokeAdmin,
    SettingsPatch,
    UpdateRoom,
)
from whatchat.features.rooms.notes import noted
from whatchat.roomlog.writer import MAX_BATCH

ADA, BOB, EVE, DAN = actor("ada"), actor("bob"), actor("eve"), actor("dan")
PUBLIC = SettingsPatch(is_private=False)

Take = Callable[[PodServices, RoomId], Awaitable[object]]


@pytest.fixture
async def pod(house: House) -> PodServices:
    return await house.pod()


async def said(pod: PodServices, room_id: RoomId) -> list[str]:
    """The notes in a room, of which Ada is a member."""
    history = await pod.messages.history(ADA, ReadHistory(room_id=room_id))
    return [one.content for one in history.messages if one.message_type == "system"]


async def entries(house: House, room_id: RoomId) -> list[Entry]:
    return await house.store.messages.entries(room_id, after=Rev(0), limit=100)


def add(pod: PodServices, room_id: RoomId, *names: str) -> Awaitable[Room]:
    user_ids = tuple(map(UserId, names))
    return pod.rooms.add(ADA, AddMembers(room_id=room_id, user_ids=user_ids))


def update(pod: PodServices, room_id: RoomId, **fields: object) -> Awaitable[Room]:
    return pod.rooms.update(ADA, UpdateRoom(room_id=room_id, **fields))  # type: ignore[arg-type]


CHANGES: dict[str, Take] = {
    "Ada added Eve": lambda pod, room: add(pod, room, "eve"),
    "Ada added Eve and Dan": lambda pod, room: add(pod, room, "eve", "bob", "dan"),
    "Eve joined": lambda pod, room: pod.rooms.join(EVE, JoinRoom(room_id=room)),
    "Bob left": lambda pod, room: pod.rooms.leave(BOB, LeaveRoom(room_id=room)),
    "Ada removed Bob": lambda pod, room: pod.rooms.remove(
        ADA, RemoveMember(room_id=room, user_id=UserId("bob"))
    ),
    "Ada made Bob an admin": lambda pod, room: pod.rooms.grant_admin(
        ADA, GrantAdmin(room_id=room, user_id=UserId("bob"))
    ),
    "Ada changed the name to “New”": lambda pod, room: update(pod, room, name="New"),
    "Ada changed the description": lambda pod, room: update(pod, room, description="Come in"),
    "Ada made the group private": lambda pod, room: update(
        pod, room, settings=SettingsPatch(is_private=True)
    ),
    "Ada set messages to disappear after 90 seconds": lambda pod, room: update(
        pod, room, settings=SettingsPatch(disappear_after_seconds=90)
    ),
    "Ada set messages to disappear after 1 day and changed the settings": lambda pod, room: update(
        pod, room, settings=SettingsPatch(disappear_after_seconds=86_400, deliver_only=True)
    ),
    "Ada changed the name to “New” and changed the description": lambda pod, room: update(
        pod, room, name="New", description="x"
    ),
    "Ada changed the description and changed the settings": lambda pod, room: update(
        pod, room, description="x", settings=SettingsPatch(max_participants=9)
    ),
}


@pytest.mark.parametrize("sentence", CHANGES)
async def test_each_change_of_a_group_is_followed_by_a_note(
    house: House, pod: PodServices, sentence: str
) -> None:
    room = await pod.group("ada", "bob", settings=PUBLIC)
    await CHANGES[sentence](pod, room.id)
    assert await said(pod, room.id) == [sentence]
    changed, note = (await entries(house, room.id))[1:]
    assert (changed.rev, note.rev, note.actor_id) == (2, 3, changed.actor_id)


async def test_who_is_an_admin_no_more_is_told_of_as_such(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    grant = GrantAdmin(room_id=room.id, user_id=UserId("bob"))
    await pod.rooms.grant_admin(ADA, grant)
    await pod.rooms.revoke_admin(ADA, RevokeAdmin(room_id=room.id, user_id=UserId("bob")))
    await pod.rooms.grant_admin(ADA, grant)
    await pod.rooms.revoke_admin(BOB, RevokeAdmin(room_id=room.id, user_id=UserId("bob")))
    assert await said(pod, room.id) == [
        "Ada made Bob an admin",
        "Ada dismissed Bob as an admin",
        "Ada made Bob an admin",
        "Bob stepped down as an admin",
    ]


async def test_where_nothing_changed_nothing_is_said(house: House, pod: PodServices) -> None:
    room = await pod.group("ada", "bob", settings=PUBLIC)
    await add(pod, room.id, "bob")
    await pod.rooms.join(BOB, JoinRoom(room_id=room.id))
    await update(pod, room.id, settings=PUBLIC)
    for attempt in (
        pod.rooms.leave(ADA, LeaveRoom(room_id=room.id)),
        pod.rooms.update(BOB, UpdateRoom(room_id=room.id, name="Mine")),
        pod.rooms.remove(ADA, RemoveMember(room_id=room.id, user_id=UserId("eve"))),
    ):
        with pytest.raises(ChatError):
            await attempt
    assert len(await entries(house, room.id)) == 1


async def test_of_opening_a_room_nothing_is_said(house: House, pod: PodServices) -> None:
    direct = CreateRoom(kind="direct", participants=(UserId("bob"),))
    for room in (await pod.group("ada", "bob"), (await pod.rooms.create(ADA, direct)).value):
        assert len(await entries(house, room.id)) == 1


async def test_of_a_crowd_ten_are_named(pod: PodServices) -> None:
    names = [f"user {number}" for number in range(12)]
    users = {
        UserId(name): User(id=UserId(name), username=name, display_name=name)
        for name in (*names, "ada")
    }
    room = await pod.group("ada")
    command = AddMembers(room_id=room.id, user_ids=tuple(map(UserId, names)))
    rule = rules.adding(ADA.user_id, command.user_ids)
    proposal, note = noted(propose(ADA, command, rule), users)
    await pod.log.change(room.id, proposal, note)
    await pod.send("ada", room.id)
    assert await said(pod, room.id) == [f"ada added {', '.join(names[:10])} and 2 others"]


async def test_the_socket_that_asked_hears_the_note(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    await pod.broker.subscribe_rooms([room.id])
    heard: list[tuple[str, SessionId | None]] = []

    def hear(one: object) -> None:
        audience = one.audience  # type: ignore[attr-defined]
        if isinstance(audience, InRoom):
            heard.append((one.event, audience.except_session))  # type: ignore[attr-defined]

    pod.broker.listen(hear)
    asking = replace(ADA, session_id=SessionId("socket"))
    await pod.rooms.update(asking, UpdateRoom(room_id=room.id, name="New"))
    await pod.send("ada", room.id)
    assert heard == [("room:updated", None), ("message:new", None), ("message:new", None)]


async def note_in(pod: PodServices) -> tuple[RoomId, Message]:
    """A room, and the note that Bob joined it."""
    room = await pod.group("ada", settings=PUBLIC)
    await pod.rooms.join(BOB, JoinRoom(room_id=room.id))
    history = await pod.messages.history(ADA, ReadHistory(room_id=room.id))
    return room.id, history.messages[0]


async def test_a_note_is_the_systems_alone(pod: PodServices) -> None:
    room_id, note = await note_in(pod)
    assert (note.sender.id, note.message_type) == ("bob", "system")
    with pytest.raises(Forbidden):
        await pod.messages.edit(BOB, EditMessage(message_id=note.id, content="Ada bowed"))
    with pytest.raises(Forbidden):
        await pod.messages.delete(BOB, DeleteMessage(message_id=note.id))
    assert await said(pod, room_id) == ["Bob joined"]
    tombstone = await pod.messages.delete(ADA, DeleteMessage(message_id=note.id))
    assert tombstone.content == ""


async def test_a_note_may_be_answered(pod: PodServices) -> None:
    room_id, note = await note_in(pod)
    await pod.messages.react(ADA, AddReaction(message_id=note.id, emoji="👋"))
    command = SendMessage(
        room_id=room_id, client_id=ClientId(random_id()), content="hello", reply_to=note.id
    )
    assert (await pod.messages.send(ADA, command)).value.reply_to == note.id


# Broken in the middle


async def test_another_pod_may_come_between_a_change_and_its_note(
    house: House, pod: PodServices
) -> None:
    store = InterruptedMessageStore(house.store.messages)
    slow = await house.pod(store)
    room = await slow.group("ada", "bob")
    store.meanwhile = lambda: pod.send("bob", room.id, "hi")
    await add(slow, room.id, "eve")
    await slow.send("ada", room.id, "done")
    history = await pod.messages.history(ADA, ReadHistory(room_id=room.id))
    assert [(one.seq, one.content) for one in history.messages] == [
        (3, "hi"),
        (4, "Ada added Eve"),
        (5, "done"),
    ]


async def test_a_note_stands_also_if_who_asked_is_out_by_then(
    house: House, pod: PodServices
) -> None:
    store = InterruptedMessageStore(house.store.messages)
    slow = await house.pod(store)
    room = await slow.group("ada", "bob")
    await pod.rooms.grant_admin(ADA, GrantAdmin(room_id=room.id, user_id=UserId("bob")))
    remove = RemoveMember(room_id=room.id, user_id=UserId("bob"))
    store.meanwhile = lambda: pod.rooms.remove(ADA, remove)
    await slow.rooms.add(BOB, AddMembers(room_id=room.id, user_ids=(UserId("eve"),)))
    with pytest.raises(NotFound):
        await slow.send("bob", room.id)
    assert (await said(pod, room.id))[1:] == ["Ada removed Bob", "Bob added Eve"]


async def test_a_change_that_another_pod_made_first_has_one_note(
    house: House, pod: PodServices
) -> None:
    slow = await house.pod()
    room = await slow.group("ada", "bob")
    await pod.rooms.leave(BOB, LeaveRoom(room_id=room.id))
    with pytest.raises(NotFound):
        await slow.rooms.leave(BOB, LeaveRoom(room_id=room.id))
    await add(pod, room.id, "eve")
    await add(slow, room.id, "eve")
    assert await said(pod, room.id) == ["Bob left", "Ada added Eve"]


async def attempt(pod: PodServices, room_id: RoomId) -> Applied:
    """Add Eve, always under one ``clientId``."""
    command = AddMembers(room_id=room_id, user_ids=(UserId("eve"),))
    rule = rules.adding(ADA.user_id, command.user_ids)
    users = await pod.directory.users([UserId("ada"), UserId("eve")])
    client_id = ClientId("the-client-id-0001")
    proposal, note = noted(propose(ADA, command, rule, client_id=client_id), users)
    return await pod.log.change(room_id, proposal, note)


async def fail() -> None:
    raise Unavailable


async def test_a_change_stands_without_its_note_if_the_store_fails_between_them(
    house: House, pod: PodServices
) -> None:
    store = InterruptedMessageStore(house.store.messages)
    broken = await house.pod(store)
    room = await broken.group("ada", "bob")
    store.meanwhile = fail
    with pytest.raises(Unavailable):
        await attempt(broken, room.id)
    again = await attempt(pod, room.id)
    assert (again.repeated, again.record.participant_count) == (True, 3)
    assert (await pod.send("ada", room.id)).seq == 3
    assert await said(pod, room.id) == []


async def test_a_change_that_fails_among_very_many_has_no_note(
    house: House, pod: PodServices
) -> None:
    store = InterruptedMessageStore(house.store.messages)
    broken = await house.pod(store)
    room = await broken.group("ada", "bob")
    store.shut()
    sending = [asyncio.create_task(broken.send("bob", room.id))]
    await store.waiting.wait()
    sending += [asyncio.create_task(broken.send("bob", room.id)) for _ in range(MAX_BATCH - 1)]
    await asyncio.sleep(0)
    adding = asyncio.ensure_future(add(broken, room.id, "eve"))
    await asyncio.sleep(0.1)
    store.meanwhile = fail
    store.open()
    outcomes = await asyncio.gather(*sending, adding, return_exceptions=True)
    assert isinstance(outcomes[-1], Unavailable)
    assert (await pod.rooms.get(ADA, GetRoom(room_id=room.id))).participant_count == 2
    await broken.send("ada", room.id)
    assert await said(pod, room.id) == []


async def test_a_retry_repeats_no_note(house: House, pod: PodServices) -> None:
    store = LateMessageStore(house.store.messages)
    late = await house.pod(store)
    room = await late.group("ada", "bob")
    store.is_late = True
    with pytest.raises(Unavailable):
        await attempt(late, room.id)
    store.is_late = False
    for other in (late, pod, pod):
        assert (await attempt(other, room.id)).record.participant_count == 3
        await other.send("ada", room.id)
    assert await said(pod, room.id) == ["Ada added Eve"]


async def test_a_note_is_found_by_id_like_any_message(pod: PodServices) -> None:
    room_id, note = await note_in(pod)
    assert note.id == message_id(room_id, note.seq)
