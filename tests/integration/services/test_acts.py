"""What the audit log is told of rooms, messages and blocks: what changed, and nothing else."""

import pytest

from tests.integration.services.conftest import House, PodServices, actor
from whatchat.domain.audit import Act, party
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import ClientId, UserId
from whatchat.features.blocking.contract import BlockUser, UnblockUser
from whatchat.features.messages.contract import AddReaction, DeleteMessage, EditMessage
from whatchat.features.receipts.contract import MarkRead
from whatchat.features.rooms.contract import (
    AddMembers,
    CreateRoom,
    GrantAdmin,
    JoinRoom,
    LeaveRoom,
    RemoveMember,
    RevokeAdmin,
    SettingsPatch,
    UpdateRoom,
)
from whatchat.features.typing.contract import StartTyping

ADA, BOB, EVE = actor("ada"), actor("bob"), actor("eve")
TO_ADA, TO_BOB, TO_EVE = (one.user_id for one in (ADA, BOB, EVE))


@pytest.fixture
async def pod(house: House) -> PodServices:
    return await house.pod()


async def test_opening_a_group_names_everybody_brought_in(pod: PodServices) -> None:
    room = await pod.group("ada", "bob", "eve")
    assert pod.told.acts == [
        Act(kind="room.created", room_id=room.id, detail="group"),
        Act(kind="member.added", room_id=room.id, user_id=TO_BOB),
        Act(kind="member.added", room_id=room.id, user_id=TO_EVE),
    ]
    assert {one.actor for one in pod.told.records} == {party(ADA)}


async def test_opening_a_direct_room_names_the_other_once(pod: PodServices) -> None:
    opened = await pod.rooms.create(ADA, CreateRoom(kind="direct", participants=(TO_BOB,)))
    await pod.rooms.create(ADA, CreateRoom(kind="direct", participants=(TO_BOB,)))
    await pod.rooms.create(BOB, CreateRoom(kind="direct", participants=(TO_ADA,)))
    assert pod.told.acts == [
        Act(kind="room.created", room_id=opened.value.id, user_id=TO_BOB, detail="direct")
    ]


async def test_a_repeated_creation_is_told_alike(pod: PodServices) -> None:
    """The first attempt may be one whose record could not be made."""
    for _ in range(2):
        await pod.group("ada", client_id="0123456789abcdef")
    first, second = pod.told.acts
    assert first == second


async def test_coming_and_going(pod: PodServices) -> None:
    room = await pod.group("ada", settings=SettingsPatch(is_private=False))
    pod.told.clear()
    for _ in range(2):
        await pod.rooms.join(BOB, JoinRoom(room_id=room.id))
    added = AddMembers(room_id=room.id, user_ids=(TO_BOB, TO_EVE))
    for _ in range(2):
        await pod.rooms.add(ADA, added)
    await pod.rooms.leave(BOB, LeaveRoom(room_id=room.id))
    await pod.rooms.remove(ADA, RemoveMember(room_id=room.id, user_id=TO_EVE))
    for refused in (pod.rooms.leave(BOB, LeaveRoom(room_id=room.id)), pod.rooms.add(EVE, added)):
        with pytest.raises(ChatError):
            await refused
    assert pod.told.acts == [
        Act(kind="room.joined", room_id=room.id),
        Act(kind="member.added", room_id=room.id, user_id=TO_EVE),
        Act(kind="room.left", room_id=room.id),
        Act(kind="member.removed", room_id=room.id, user_id=TO_EVE),
    ]
    assert [one.actor for one in pod.told.records] == [party(one) for one in (BOB, ADA, BOB, ADA)]


async def test_roles_and_settings(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    pod.told.clear()
    for _ in range(2):
        await pod.rooms.grant_admin(ADA, GrantAdmin(room_id=room.id, user_id=TO_BOB))
    for _ in range(2):
        await pod.rooms.update(
            ADA,
            UpdateRoom(room_id=room.id, name="secret", settings=SettingsPatch(is_private=False)),
        )
    await pod.rooms.revoke_admin(BOB, RevokeAdmin(room_id=room.id, user_id=TO_ADA))
    assert pod.told.acts == [
        Act(kind="admin.granted", room_id=room.id, user_id=TO_BOB),
        Act(kind="room.updated", room_id=room.id, detail="name,settings"),
        Act(kind="admin.revoked", room_id=room.id, user_id=TO_ADA),
    ]
    assert "secret" not in repr(pod.told.records)


async def test_an_admin_deletes_what_somebody_else_wrote(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    message = await pod.send("bob", room.id)
    pod.told.clear()
    for _ in range(2):
        await pod.messages.delete(ADA, DeleteMessage(message_id=message.id))
    assert pod.told.acts == [
        Act(kind="message.removed", room_id=room.id, message_id=message.id, user_id=TO_BOB)
    ]


async def test_the_message_path_tells_nothing(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    pod.told.clear()
    message = await pod.send("bob", room.id)
    await pod.messages.edit(
        BOB, EditMessage(message_id=message.id, content="!", client_id=ClientId("0123456789abcdef"))
    )
    await pod.messages.react(ADA, AddReaction(message_id=message.id, emoji="👍"))
    await pod.receipts.mark_read(ADA, MarkRead(room_id=room.id, seq=message.seq))
    await pod.typing.start(ADA, StartTyping(room_id=room.id))
    await pod.messages.delete(BOB, DeleteMessage(message_id=message.id))
    assert pod.told.acts == []


async def test_blocks(pod: PodServices) -> None:
    for _ in range(2):
        await pod.blocking.block(ADA, BlockUser(user_id=TO_BOB))
    for _ in range(2):
        await pod.blocking.unblock(ADA, UnblockUser(user_id=TO_BOB))
    with pytest.raises(ChatError):
        await pod.blocking.block(ADA, BlockUser(user_id=UserId("nobody-at-all")))
    assert pod.told.acts == [
        Act(kind="user.blocked", user_id=TO_BOB),
        Act(kind="user.unblocked", user_id=TO_BOB),
    ]
