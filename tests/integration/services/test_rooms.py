"""What people may do with rooms, on one pod."""

import asyncio

import pytest
from msgspec import UNSET, UnsetType

from tests.integration.services.conftest import House, PodServices, actor
from whatchat.domain.errors import ChatError, Conflict, Forbidden, Invalid, NotFound
from whatchat.domain.ids import RoomId, UserId, random_id
from whatchat.domain.models import LISTED_PEOPLE, Message
from whatchat.domain.ports.account_store import Account
from whatchat.domain.times import utc_now
from whatchat.features.rooms.contract import (
    AddMembers,
    CreateRoom,
    GetRoom,
    GrantAdmin,
    JoinRoom,
    LeaveRoom,
    ListMembers,
    ListRooms,
    RemoveMember,
    RevokeAdmin,
    SettingsPatch,
    UpdateRoom,
)

PUBLIC = SettingsPatch(is_private=False)
ADA, BOB, EVE = actor("ada"), actor("bob"), actor("eve")


@pytest.fixture
async def pod(house: House) -> PodServices:
    return await house.pod()


def direct(*others: str, settings: SettingsPatch | None = None) -> CreateRoom:
    return CreateRoom(
        kind="direct",
        participants=tuple(UserId(one) for one in others),
        settings=settings or SettingsPatch(),
    )


async def test_a_pair_has_one_direct_room_for_ever(pod: PodServices) -> None:
    first = await pod.rooms.create(ADA, direct("bob"))
    second = await pod.rooms.create(BOB, direct("ada", "bob"))
    other = await pod.rooms.create(ADA, direct("eve"))
    assert (first.created, second.created) == (True, False)
    assert first.value.id == second.value.id != other.value.id
    assert first.value.settings.is_private
    assert first.value.settings.max_participants == 2
    assert [one.role for one in first.value.participants] == ["member", "member"]


@pytest.mark.parametrize("others", [(), ("ada",), ("bob", "eve")])
async def test_a_direct_room_has_exactly_two_people(
    pod: PodServices, others: tuple[str, ...]
) -> None:
    with pytest.raises(Invalid) as caught:
        await pod.rooms.create(ADA, direct(*others))
    assert caught.value.field == "participants"


async def test_a_direct_room_stays_as_it_is(pod: PodServices) -> None:
    room_id = (await pod.rooms.create(ADA, direct("bob"))).value.id
    for attempt in (
        pod.rooms.leave(ADA, LeaveRoom(room_id=room_id)),
        pod.rooms.remove(ADA, RemoveMember(room_id=room_id, user_id=UserId("bob"))),
        pod.rooms.add(ADA, AddMembers(room_id=room_id, user_ids=(UserId("eve"),))),
        pod.rooms.update(ADA, UpdateRoom(room_id=room_id, name="Us")),
        pod.rooms.grant_admin(ADA, GrantAdmin(room_id=room_id, user_id=UserId("ada"))),
    ):
        with pytest.raises(Forbidden):
            await attempt
    with pytest.raises(Invalid):
        await pod.rooms.create(ADA, direct("bob", settings=PUBLIC))


async def test_a_group_begins_with_its_creator_as_admin(pod: PodServices) -> None:
    room = await pod.group("ada", "bob", "bob", "ada")
    assert [(one.user.id, one.role) for one in room.participants] == [
        ("ada", "admin"),
        ("bob", "member"),
    ]
    assert (room.participant_count, room.rev, room.unread) == (2, 1, 0)
    assert room.last_message is UNSET


async def test_unknown_people_are_named_as_such(pod: PodServices) -> None:
    with pytest.raises(NotFound) as caught:
        await pod.group("ada", "nobody")
    assert caught.value.field == "participants"
    room = await pod.group("ada")
    with pytest.raises(NotFound) as caught:
        await pod.rooms.add(ADA, AddMembers(room_id=room.id, user_ids=(UserId("nobody"),)))
    assert caught.value.field == "userIds"


async def test_only_admins_change_a_group(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    bob, eve = UserId("bob"), UserId("eve")
    for attempt in (
        pod.rooms.update(BOB, UpdateRoom(room_id=room.id, name="Mine")),
        pod.rooms.add(BOB, AddMembers(room_id=room.id, user_ids=(eve,))),
        pod.rooms.remove(BOB, RemoveMember(room_id=room.id, user_id=UserId("ada"))),
        pod.rooms.grant_admin(BOB, GrantAdmin(room_id=room.id, user_id=bob)),
    ):
        with pytest.raises(Forbidden):
            await attempt
    await pod.rooms.grant_admin(ADA, GrantAdmin(room_id=room.id, user_id=bob))
    assert (await pod.rooms.update(BOB, UpdateRoom(room_id=room.id, name="Ours"))).name == "Ours"


async def test_a_private_room_does_not_exist_for_outsiders(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    unknown = RoomId(random_id())
    errors = []
    for room_id in (room.id, unknown):
        for attempt in (
            pod.rooms.get(EVE, GetRoom(room_id=room_id)),
            pod.rooms.members(EVE, ListMembers(room_id=room_id)),
            pod.rooms.join(EVE, JoinRoom(room_id=room_id)),
            pod.rooms.leave(EVE, LeaveRoom(room_id=room_id)),
            pod.rooms.update(EVE, UpdateRoom(room_id=room_id, name="x")),
            pod.send("eve", room_id),
        ):
            with pytest.raises(ChatError) as caught:
                await attempt
            errors.append(caught.value.body())
    assert errors[:6] == errors[6:]
    assert {error.code for error in errors} == {"not_found"}


async def test_a_public_room_is_listed_shown_and_joined(pod: PodServices) -> None:
    room = await pod.group("ada", settings=PUBLIC)
    listed = await pod.rooms.list(EVE, ListRooms(scope="public"))
    shown = await pod.rooms.get(EVE, GetRoom(room_id=room.id))
    assert listed.rooms == [shown]
    assert (shown.participants, shown.participant_count) == ([], 1)
    with pytest.raises(Forbidden):
        await pod.send("eve", room.id)
    joined = await pod.rooms.join(EVE, JoinRoom(room_id=room.id))
    assert [one.user.id for one in joined.participants] == ["ada", "eve"]
    assert await pod.rooms.join(EVE, JoinRoom(room_id=room.id)) == joined


async def test_settings_are_patched(pod: PodServices) -> None:
    room = await pod.group("ada", settings=SettingsPatch(max_participants=5))
    patch = SettingsPatch(allow_file_sharing=False)
    updated = await pod.rooms.update(ADA, UpdateRoom(room_id=room.id, settings=patch))
    assert (updated.settings.max_participants, updated.settings.allow_file_sharing) == (5, False)
    again = await pod.rooms.update(ADA, UpdateRoom(room_id=room.id, settings=patch))
    assert again.rev == updated.rev == 3


async def test_a_full_room_takes_no_more(pod: PodServices) -> None:
    room = await pod.group("ada", "bob", settings=SettingsPatch(max_participants=2))
    with pytest.raises(Conflict):
        await pod.rooms.add(ADA, AddMembers(room_id=room.id, user_ids=(UserId("eve"),)))
    same = await pod.rooms.add(ADA, AddMembers(room_id=room.id, user_ids=(UserId("bob"),)))
    assert same.rev == 1


async def test_the_last_admin_stays_until_another_is_made(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    leave, step_down = (
        LeaveRoom(room_id=room.id),
        RevokeAdmin(room_id=room.id, user_id=UserId("ada")),
    )
    for attempt in (
        pod.rooms.leave(ADA, leave),
        pod.rooms.remove(ADA, RemoveMember(room_id=room.id, user_id=UserId("ada"))),
        pod.rooms.revoke_admin(ADA, step_down),
    ):
        with pytest.raises(Conflict) as caught:
            await attempt
        assert caught.value.reason == "last_admin"
    await pod.rooms.grant_admin(ADA, GrantAdmin(room_id=room.id, user_id=UserId("bob")))
    outside = await pod.rooms.leave(ADA, leave)
    assert outside.participants == []
    with pytest.raises(NotFound):
        await pod.rooms.get(ADA, GetRoom(room_id=room.id))


async def test_rooms_are_paged_newest_activity_first(pod: PodServices) -> None:
    rooms = [await pod.group("ada") for _ in range(5)]
    await asyncio.sleep(0.002)  # activity is told apart by the millisecond
    await pod.send("ada", rooms[0].id)
    ids: list[RoomId] = []
    after: str | UnsetType = UNSET
    while True:
        page = await pod.rooms.list(ADA, ListRooms(limit=2, after=after))
        ids += [room.id for room in page.rooms]
        if page.next is UNSET:
            break
        after = page.next
    assert ids[0] == rooms[0].id
    assert sorted(ids) == sorted(room.id for room in rooms)


async def test_unread_and_the_last_message_are_the_viewers(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    for number in range(101):
        last = await pod.send("ada", room.id, str(number))
    (of_ada,) = (await pod.rooms.list(ADA, ListRooms())).rooms
    (of_bob,) = (await pod.rooms.list(BOB, ListRooms())).rooms
    assert (of_ada.unread, of_bob.unread) == (0, 100)
    assert of_ada.last_message == of_bob.last_message == last
    await pod.rooms.add(ADA, AddMembers(room_id=room.id, user_ids=(UserId("eve"),)))
    (of_eve,) = (await pod.rooms.list(EVE, ListRooms())).rooms
    assert isinstance(of_eve.last_message, Message)
    assert of_eve.last_message.content == "Ada added Eve"


async def test_a_crowd_is_not_listed(house: House, pod: PodServices) -> None:
    crowd = [f"user-{number:03}" for number in range(LISTED_PEOPLE)]
    for name in crowd:
        await house.store.accounts.add(
            Account(
                user_id=UserId(name),
                username=name,
                display_name=name,
                password_hash="",
                created_at=utc_now(),
            )
        )
    room = await pod.group("ada", *crowd)
    assert (room.participant_count, [one.user.id for one in room.participants]) == (101, ["ada"])
    seen = await pod.rooms.get(actor(crowd[3]), GetRoom(room_id=room.id))
    assert [one.user.id for one in seen.participants] == ["ada", crowd[3]]

    members: list[str] = []
    after: UserId | UnsetType = UNSET
    while True:
        page = await pod.rooms.members(ADA, ListMembers(room_id=room.id, limit=40, after=after))
        members += [one.user.id for one in page.members]
        if page.next is UNSET:
            break
        after = UserId(page.next)
    assert members == sorted(["ada", *crowd])

    await pod.rooms.remove(ADA, RemoveMember(room_id=room.id, user_id=UserId(crowd[0])))
    smaller = await pod.rooms.get(ADA, GetRoom(room_id=room.id))
    assert len(smaller.participants) == smaller.participant_count == 100
