"""Groups across pods: who is in them, who decides, and what is there no longer."""

import asyncio

import pytest

from tests.integration.pods.cluster import Cluster
from tests.integration.pods.people import People, Person, all_reach, assert_unbroken, room_of
from tests.waiting import until
from whatchat.client.views import Room, SettingsPatch
from whatchat.domain.errors import ChatError, Conflict, Forbidden, NotFound
from whatchat.domain.ids import RoomId

SETTLED_SECONDS = 0.5


async def roles(person: Person, room_id: RoomId) -> dict[str, str]:
    """Who is what, as one person sees it."""
    members = (await person.client.rest.members(room_id)).members
    return {one.user.id: one.role for one in members}


async def test_what_is_over_is_gone_from_every_client(cluster: Cluster, people: People) -> None:
    ada, bob = await people.at(*await cluster.nodes(2))
    await cluster.worker()
    room_id = await room_of([ada, bob])
    await ada.client.update_room(room_id, settings=SettingsPatch(disappear_after_seconds=1))
    message = await ada.client.send(room_id, "a secret")
    await bob.client.react(message.id, "👍")
    await until(lambda: "message:deleted" in bob.ear.names(), seconds=8)
    for person in (ada, bob):
        await person.client.until(lambda state: state.rooms[room_id].cursor >= message.rev + 2)
        (held,) = (one for one in person.client.messages(room_id) if one.id == message.id)
        assert (held.content, held.deleted_at, held.reactions) == ("", message.expires_at, ())
        assert_unbroken(person.ear, room_id, message.rev + 2)


async def test_a_send_under_way_is_refused_once_its_sender_is_out(
    cluster: Cluster, people: People
) -> None:
    """Bob writes as fast as he can on one pod while he is removed on another."""
    ada, bob, cat = await people.at(*await cluster.nodes(3))
    room_id = await room_of([ada, bob, cat])
    accepted: list[int] = []

    async def keep_sending() -> ChatError:
        while True:
            try:
                accepted.append((await bob.client.send(room_id, "still here")).seq)
            except ChatError as refusal:
                return refusal

    sending = asyncio.create_task(keep_sending())
    await until(lambda: len(accepted) > 5)
    await ada.client.rest.remove_member(room_id, bob.user_id)
    async with asyncio.timeout(5):
        assert isinstance(await sending, NotFound)
    last = await ada.client.send(room_id, "among us")
    await all_reach([ada, cat], room_id, last.rev)
    removed = next(one for one in cat.ear.of(room_id) if one.name == "room:updated")
    assert removed.data["change"] == {"kind": "removed", "userIds": [bob.user_id]}
    assert max(accepted) < removed.data["rev"]
    heard = [one.data["message"]["seq"] for one in cat.ear.of(room_id) if "message" in one.data]
    assert [seq for seq in heard if seq < removed.data["rev"]] == accepted
    assert_unbroken(cat.ear, room_id, last.rev)
    assert bob.ear.of(room_id)[-1].name == "room:removed"
    with pytest.raises(NotFound):
        await bob.client.rest.room(room_id)


async def test_roles_hold_on_every_pod(cluster: Cluster, people: People) -> None:
    ada, bob, cat = await people.at(*await cluster.nodes(3))
    room_id = await room_of([ada, bob, cat])
    with pytest.raises(Forbidden):
        await bob.client.update_room(room_id, name="Mine")
    with pytest.raises(Forbidden):
        await bob.client.rest.remove_member(room_id, cat.user_id)
    with pytest.raises(Conflict) as caught:
        await ada.client.leave(room_id)
    assert caught.value.reason == "last_admin"

    await ada.client.rest.add_admin(room_id, bob.user_id)
    assert (await bob.client.update_room(room_id, name="Ours")).name == "Ours"
    await bob.client.rest.remove_admin(room_id, ada.user_id)
    assert await roles(cat, room_id) == {
        ada.user_id: "member",
        bob.user_id: "admin",
        cat.user_id: "member",
    }
    with pytest.raises(Forbidden):
        await ada.client.rest.remove_member(room_id, cat.user_id)
    await ada.client.leave(room_id)
    with pytest.raises(Conflict):
        await bob.client.rest.remove_member(room_id, bob.user_id)


async def test_of_two_last_admins_who_leave_at_once_one_stays(
    cluster: Cluster, people: People
) -> None:
    ada, bob, cat = await people.at(*await cluster.nodes(3))
    room_id = await room_of([ada, bob, cat])
    await ada.client.rest.add_admin(room_id, bob.user_id)
    outcomes = await asyncio.gather(
        *(one.client.leave(room_id) for one in (ada, bob)), return_exceptions=True
    )
    (refused,) = (one for one in outcomes if one is not None)
    assert isinstance(refused, Conflict)
    assert refused.reason == "last_admin"
    assert "admin" in (await roles(cat, room_id)).values()


async def test_a_public_room_takes_so_many_and_no_more(cluster: Cluster, people: People) -> None:
    nodes = await cluster.nodes(2)
    ada, *others = await people.at(nodes[0], *nodes, *nodes)
    settings = SettingsPatch(is_private=False, max_participants=3)
    room = await ada.client.create_room("Open", settings=settings)
    joined = await asyncio.gather(
        *(one.client.join(room.id) for one in others), return_exceptions=True
    )
    refused = [one for one in joined if not isinstance(one, Room)]
    assert len(refused) == 2
    assert {getattr(one, "reason", None) for one in refused} == {"room_full"}
    assert len(await roles(ada, room.id)) == 3
    with pytest.raises(Conflict):
        await ada.client.update_room(room.id, settings=SettingsPatch(max_participants=2))
    more = SettingsPatch(max_participants=5, allow_file_sharing=False)
    settled = (await ada.client.update_room(room.id, settings=more)).settings
    assert (settled.max_participants, settled.allow_file_sharing) == (5, False)


async def test_a_room_that_turns_private_is_there_for_its_people_alone(
    cluster: Cluster, people: People
) -> None:
    ada, bob, cat = await people.at(*await cluster.nodes(3))
    room = await ada.client.create_room("Open", settings=SettingsPatch(is_private=False))
    assert (await cat.client.rest.room(room.id)).participants == ()
    await bob.client.join(room.id)
    await ada.client.update_room(room.id, settings=SettingsPatch(is_private=True))
    for attempt in (cat.client.rest.room(room.id), cat.client.join(room.id)):
        with pytest.raises(NotFound):
            await attempt
    message = await ada.client.send(room.id, "among us")
    await bob.ear.reaches(room.id, message.rev)
    await asyncio.sleep(SETTLED_SECONDS)
    assert cat.ear.of(room.id) == []
