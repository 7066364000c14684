"""What people may do about those of whom they want nothing, on one pod and on two."""

import asyncio

import pytest
from msgspec import UNSET

from tests.integration.services.conftest import House, PodServices, actor
from tests.waiting import until
from whatchat.domain.actor import Actor
from whatchat.domain.errors import ChatError, Conflict, Forbidden, Invalid, NotFound
from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.models import Participant, Room
from whatchat.features.blocking import service
from whatchat.features.blocking.contract import BlockUser, ListBlocks, UnblockUser
from whatchat.features.rooms.contract import AddMembers, ListMembers

ADA, BOB = actor("ada"), actor("bob")
TO_BOB, TO_EVE, TO_DAN = (UserId(name) for name in ("bob", "eve", "dan"))


@pytest.fixture
async def pod(house: House) -> PodServices:
    return await house.pod()


async def block(pod: PodServices, *user_ids: UserId) -> None:
    for user_id in user_ids:
        await pod.blocking.block(ADA, BlockUser(user_id=user_id))
        await asyncio.sleep(0.002)


async def listed(pod: PodServices, who: str = "ada") -> list[UserId]:
    return [one.id for one in (await pod.blocking.list(actor(who), ListBlocks())).users]


async def test_a_block_is_made_and_lifted_and_both_may_be_repeated(pod: PodServices) -> None:
    for _ in range(2):
        await block(pod, TO_BOB)
        assert await listed(pod) == [TO_BOB]
        assert await listed(pod, "bob") == []
    for _ in range(2):
        await pod.blocking.unblock(ADA, UnblockUser(user_id=TO_BOB))
        assert await listed(pod) == []


async def test_blocks_are_listed_latest_first_by_pages(pod: PodServices) -> None:
    await block(pod, TO_BOB, TO_EVE, TO_DAN)
    first = await pod.blocking.list(ADA, ListBlocks(limit=2))
    assert [one.username for one in first.users] == ["dan", "eve"]
    assert first.next is not UNSET
    second = await pod.blocking.list(ADA, ListBlocks(limit=2, after=first.next))
    assert [one.display_name for one in second.users] == ["Bob"]
    assert second.next is UNSET


async def test_nobody_blocks_themselves(pod: PodServices) -> None:
    with pytest.raises(Invalid) as refused:
        await pod.blocking.block(ADA, BlockUser(user_id=ADA.user_id))
    assert refused.value.field == "userId"
    with pytest.raises(Invalid):
        await pod.blocking.unblock(ADA, UnblockUser(user_id=ADA.user_id))


async def test_strangers_to_the_house_cannot_be_blocked(pod: PodServices) -> None:
    with pytest.raises(NotFound):
        await pod.blocking.block(ADA, BlockUser(user_id=UserId("nobody")))
    with pytest.raises(NotFound):
        await pod.blocking.unblock(ADA, UnblockUser(user_id=UserId("nobody")))


async def test_somebody_whose_account_is_gone_is_listed_and_let_go(
    pod: PodServices, house: House
) -> None:
    await house.store.blocks.block(ADA.user_id, UserId("gone"))
    shown = (await pod.blocking.list(ADA, ListBlocks())).users
    assert [(one.id, one.username) for one in shown] == [("gone", "deleted")]
    await pod.blocking.unblock(ADA, UnblockUser(user_id=UserId("gone")))
    assert await listed(pod) == []


async def test_blocks_are_so_many_and_no_more(
    pod: PodServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_BLOCKS", 2)
    await block(pod, TO_BOB, TO_EVE)
    with pytest.raises(Conflict) as refused:
        await block(pod, TO_DAN)
    assert refused.value.reason == "too_many_blocks"
    await block(pod, TO_BOB)
    await pod.blocking.unblock(ADA, UnblockUser(user_id=TO_BOB))
    await block(pod, TO_DAN)
    assert await listed(pod) == [TO_DAN, TO_EVE]


async def test_on_its_own_pod_a_block_is_in_force_at_once(house: House) -> None:
    pod = await house.pod()
    await pod.blocks.stop()
    assert not (await pod.blocks.around(TO_BOB)).across
    await block(pod, TO_BOB)
    assert (await pod.blocks.around(TO_BOB)).blocked_by == {ADA.user_id}


async def test_on_another_pod_it_is_in_force_within_two_seconds(house: House) -> None:
    here, there = await house.pod(), await house.pod()
    heard: list[tuple[UserId, UserId, bool]] = []
    there.blocks.listen(lambda *change: heard.append(change))
    assert not (await there.blocks.around(TO_BOB)).across
    await block(here, TO_BOB)
    await until(lambda: heard == [(ADA.user_id, TO_BOB, True)], seconds=2)
    assert (await there.blocks.around(TO_BOB)).blocked_by == {ADA.user_id}
    await here.blocking.unblock(ADA, UnblockUser(user_id=TO_BOB))
    await until(lambda: heard[1:] == [(ADA.user_id, TO_BOB, False)], seconds=2)
    assert not (await there.blocks.around(TO_BOB)).across


async def test_whoever_blocks_somebody_is_not_added_by_them(pod: PodServices) -> None:
    await block(pod, TO_BOB)
    with pytest.raises(Forbidden) as refused:
        await pod.group("bob", "eve", "ada")
    assert refused.value.field == "participants"
    room = await pod.group("bob", "eve")
    with pytest.raises(Forbidden) as refused:
        await add(pod, BOB, room.id, "dan", "ada")
    assert refused.value.field == "userIds"
    assert "block" not in refused.value.text
    assert len(await people(pod, room.id)) == 2
    assert len((await add(pod, BOB, room.id, "dan")).participants) == 3


async def test_whoever_is_in_already_may_be_added_as_before(pod: PodServices) -> None:
    room = await pod.group("bob", "ada")
    await block(pod, TO_BOB)
    assert len((await add(pod, BOB, room.id, "ada")).participants) == 2
    assert len((await add(pod, BOB, room.id, "ada", "eve")).participants) == 3


async def test_a_retry_of_what_was_done_before_the_block_is_one(pod: PodServices) -> None:
    first = await pod.group("bob", "ada", client_id="a-client-id-00001")
    await block(pod, TO_BOB)
    again = await pod.group("bob", "ada", client_id="a-client-id-00001")
    assert again.id == first.id


async def test_a_block_does_not_bind_whoever_made_it(pod: PodServices) -> None:
    await block(pod, TO_BOB)
    room = await pod.group("ada", "bob")
    assert len(room.participants) == 2


async def test_outsiders_learn_nothing_of_blocks_by_adding(pod: PodServices) -> None:
    """Whoever may not add is told so, block or not."""
    room = await pod.group("eve", "dan")
    await block(pod, TO_BOB)
    refusals = []
    for who in ("ada", "dan"):
        with pytest.raises(ChatError) as refused:
            await add(pod, BOB, room.id, who)
        refusals.append(refused.value.body())
    assert refusals[0] == refusals[1]


async def add(pod: PodServices, by: Actor, room_id: RoomId, *who: str) -> Room:
    command = AddMembers(room_id=room_id, user_ids=tuple(UserId(one) for one in who))
    return await pod.rooms.add(by, command)


async def people(pod: PodServices, room_id: RoomId) -> list[Participant]:
    return (await pod.rooms.members(BOB, ListMembers(room_id=room_id))).members
