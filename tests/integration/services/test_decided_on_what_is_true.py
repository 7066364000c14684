"""A pod that decides slowly, while another changes the room beneath it.

The slow pod's append is held back after its rule said yes; when it goes on, the rule would
say no. Nothing that the rule forbids may end up in the log.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from tests.integration.services.conftest import House, PodServices, actor
from tests.integration.services.gate import GatedMessageStore, SlowReading
from whatchat.domain.contract import Outcome
from whatchat.domain.errors import Conflict, NotFound
from whatchat.domain.ids import Rev, RoomId, UserId
from whatchat.domain.log import MessageEdited, MessagePosted
from whatchat.domain.models import Room
from whatchat.features.messages.contract import AddReaction, DeleteMessage, EditMessage
from whatchat.features.rooms.contract import (
    AddMembers,
    CreateRoom,
    GrantAdmin,
    JoinRoom,
    LeaveRoom,
    RemoveMember,
    RevokeAdmin,
    SettingsPatch,
)

PUBLIC = SettingsPatch(is_private=False)


async def overtaken(
    gate: GatedMessageStore,
    slow: Coroutine[Any, Any, object],
    meanwhile: Callable[[], Awaitable[object]],
) -> BaseException | object:
    """What ``slow`` ends with if ``meanwhile`` happens between its rule and its append."""
    gate.shut()
    task = asyncio.create_task(slow)
    await asyncio.wait_for(gate.waiting.wait(), 5)
    await meanwhile()
    gate.open()
    (outcome,) = await asyncio.gather(task, return_exceptions=True)
    return outcome


@pytest.fixture
def gate(house: House) -> GatedMessageStore:
    return GatedMessageStore(house.store.messages)


@pytest.fixture
async def slow(house: House, gate: GatedMessageStore) -> PodServices:
    return await house.pod(gate)


@pytest.fixture
async def other(house: House) -> PodServices:
    return await house.pod()


async def make_admin(pod: PodServices, room: Room, *user_ids: str) -> None:
    for user_id in user_ids:
        await pod.rooms.grant_admin(
            actor("ada"), GrantAdmin(room_id=room.id, user_id=UserId(user_id))
        )


async def contents(house: House, room_id: RoomId) -> list[str]:
    entries = await house.store.messages.entries(room_id, after=Rev(0), limit=100)
    assert [entry.rev for entry in entries] == list(range(1, len(entries) + 1))
    return [type(entry.change).__name__ for entry in entries]


async def test_a_removed_member_sends_nothing(
    house: House, gate: GatedMessageStore, slow: PodServices, other: PodServices
) -> None:
    room = await other.group("ada", "bob")
    remove = RemoveMember(room_id=room.id, user_id=UserId("bob"))
    outcome = await overtaken(
        gate, slow.send("bob", room.id), lambda: other.rooms.remove(actor("ada"), remove)
    )
    assert isinstance(outcome, NotFound)
    assert await contents(house, room.id) == ["RoomCreated", "MemberRemoved", "MessagePosted"]


async def test_the_second_of_two_last_admins_stays(
    house: House, gate: GatedMessageStore, slow: PodServices, other: PodServices
) -> None:
    room = await other.group("ada", "bob", "eve")
    await make_admin(other, room, "bob")
    leave = LeaveRoom(room_id=room.id)
    outcome = await overtaken(
        gate,
        slow.rooms.leave(actor("ada"), leave),
        lambda: other.rooms.leave(actor("bob"), leave),
    )
    assert isinstance(outcome, Conflict)
    state = await house.store.rooms.state(room.id)
    assert state is not None
    assert [admin.user_id for admin in state.admins()] == ["ada"]


async def test_two_admins_do_not_unmake_each_other(
    house: House, gate: GatedMessageStore, slow: PodServices, other: PodServices
) -> None:
    room = await other.group("ada", "bob")
    await make_admin(other, room, "bob")
    outcome = await overtaken(
        gate,
        slow.rooms.revoke_admin(actor("ada"), RevokeAdmin(room_id=room.id, user_id=UserId("bob"))),
        lambda: other.rooms.revoke_admin(
            actor("bob"), RevokeAdmin(room_id=room.id, user_id=UserId("ada"))
        ),
    )
    assert isinstance(outcome, Exception)
    state = await house.store.rooms.state(room.id)
    assert state is not None
    assert [admin.user_id for admin in state.admins()] == ["bob"]


async def test_nobody_joins_past_the_maximum(
    house: House, gate: GatedMessageStore, slow: PodServices, other: PodServices
) -> None:
    settings = SettingsPatch(is_private=False, max_participants=2)
    room = await other.group("ada", settings=settings)
    join = JoinRoom(room_id=room.id)
    outcome = await overtaken(
        gate,
        slow.rooms.join(actor("bob"), join),
        lambda: other.rooms.join(actor("eve"), join),
    )
    assert isinstance(outcome, Conflict)
    assert outcome.reason == "room_full"
    state = await house.store.rooms.state(room.id)
    assert state is not None
    assert set(state.members) == {"ada", "eve"}


async def test_nothing_deleted_is_edited(
    house: House, gate: GatedMessageStore, slow: PodServices, other: PodServices
) -> None:
    room = await other.group("ada", "bob")
    message = await other.send("ada", room.id)
    outcome = await overtaken(
        gate,
        slow.messages.edit(actor("ada"), EditMessage(message_id=message.id, content="late")),
        lambda: other.messages.delete(actor("ada"), DeleteMessage(message_id=message.id)),
    )
    assert isinstance(outcome, NotFound)
    assert MessageEdited.__name__ not in await contents(house, room.id)


async def test_what_is_still_allowed_goes_through_at_the_next_rev(
    house: House, gate: GatedMessageStore, slow: PodServices, other: PodServices
) -> None:
    room = await other.group("ada", "bob")
    outcome = await overtaken(
        gate, slow.send("bob", room.id, "second"), lambda: other.send("ada", room.id, "first")
    )
    assert getattr(outcome, "seq", None) == 3
    assert await contents(house, room.id) == ["RoomCreated", *[MessagePosted.__name__] * 2]


async def test_a_refusal_is_not_decided_on_a_stale_room(
    slow: PodServices, other: PodServices
) -> None:
    room = await slow.group("ada", "bob")
    await slow.send("ada", room.id)
    await other.rooms.add(actor("ada"), AddMembers(room_id=room.id, user_ids=(UserId("eve"),)))
    assert (await slow.send("eve", room.id)).seq == 5


async def test_somebody_unknown_to_a_stale_room_may_find_that_nothing_is_to_do(
    slow: PodServices, other: PodServices
) -> None:
    room = await slow.group("ada", settings=PUBLIC)
    await slow.rooms.join(actor("bob"), JoinRoom(room_id=room.id))
    await other.rooms.leave(actor("bob"), LeaveRoom(room_id=room.id))
    again = await slow.rooms.join(actor("bob"), JoinRoom(room_id=room.id))
    assert {one.user.id for one in again.participants} == {"ada", "bob"}
    assert again.rev == 7


async def test_both_people_of_a_pair_open_one_room(
    gate: GatedMessageStore, slow: PodServices, other: PodServices
) -> None:
    theirs: list[Room] = []

    async def open_other() -> None:
        command = CreateRoom(kind="direct", participants=(UserId("ada"),))
        outcome = await other.rooms.create(actor("bob"), command)
        assert outcome.created
        theirs.append(outcome.value)

    command = CreateRoom(kind="direct", participants=(UserId("bob"),))
    outcome = await overtaken(gate, slow.rooms.create(actor("ada"), command), open_other)
    assert isinstance(outcome, Outcome)
    assert not outcome.created
    assert outcome.value.id == theirs[0].id


@pytest.mark.parametrize("change", ["edit", "react"])
async def test_a_message_is_never_older_than_what_was_heard_of_its_room(
    house: House, change: str
) -> None:
    """The slow pod hears that a message is gone while it waits for the message."""
    reading = SlowReading(house.store.messages)
    slow, other = await house.pod(reading), await house.pod()
    room = await slow.group("ada", "bob")
    for pod in (slow, other):
        await pod.broker.subscribe_rooms([room.id])
    message = await slow.send("ada", room.id, "a secret")
    told: list[tuple[int, str]] = []
    other.broker.listen(lambda one: told.append((one.rev, one.event)))

    ada = actor("ada")
    changing: Coroutine[Any, Any, object] = (
        slow.messages.edit(ada, EditMessage(message_id=message.id, content="another"))
        if change == "edit"
        else slow.messages.react(ada, AddReaction(message_id=message.id, emoji="👍"))
    )
    outcome = await overtaken(
        reading, changing, lambda: other.messages.delete(ada, DeleteMessage(message_id=message.id))
    )

    assert isinstance(outcome, NotFound)
    assert told == [(message.rev + 1, "message:deleted")]
