"""Many who connect at once share their reading, and nothing else."""

import asyncio
from collections.abc import Sequence

import pytest
from pymongo.database import Database

from tests.integration.mongo.entries import created, entry, post
from tests.integration.mongo.faults import refusing
from tests.servers.mongod import Answer, ReplicaSet
from whatchat.adapters.mongo.memberships import MAX_PEOPLE
from whatchat.adapters.mongo.store import MongoStore
from whatchat.domain.batches import batches
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId, UserId, random_id
from whatchat.domain.ports.account_store import Account
from whatchat.domain.times import EPOCH

PEOPLE = MAX_PEOPLE + 20
AT_ONCE = 20
FEW = 30
"""Commands for all of them together; one after the other they would take two each."""


def reads(documents: Database[Answer], command: str = "aggregate") -> int:
    """How many such commands the server has seen."""
    status = documents.client.admin.command("serverStatus")
    return int(status["metrics"]["commands"][command]["total"])


async def rooms_for(store: MongoStore, people: Sequence[UserId]) -> list[RoomId]:
    """A room for each of these and the next; what is said in one of them makes it the newest."""
    rooms = [RoomId(random_id()) for _ in people]
    pairs = zip(people, [*people[1:], people[0]], strict=True)
    makings = [entry(room, 1, created(*pair)) for room, pair in zip(rooms, pairs, strict=True)]
    for some in batches(makings, AT_ONCE):
        await asyncio.gather(*(store.messages.append([making]) for making in some))
    return rooms


async def test_everybody_is_told_of_their_own_rooms(
    store: MongoStore, documents: Database[Answer]
) -> None:
    people = [UserId(f"user-{number:03}") for number in range(PEOPLE)]
    rooms = await rooms_for(store, people)
    await store.messages.append([entry(rooms[7], 2, post(), actor=people[7])])
    before = reads(documents)

    asked = [*people, people[7], UserId("nobody")]
    found = await asyncio.gather(*map(store.rooms.memberships, asked))

    assert reads(documents) - before < FEW
    for number, memberships in enumerate(found[:PEOPLE]):
        assert {one.record.room_id for one in memberships} == {rooms[number - 1], rooms[number]}
        assert {one.member.user_id for one in memberships} == {people[number]}
    newest = found[7][0].record
    assert (newest.room_id, newest.rev) == (rooms[7], 2)
    assert found[PEOPLE] == found[7]
    assert found[-1] == []


async def test_each_question_gets_its_own_heads(
    store: MongoStore, documents: Database[Answer]
) -> None:
    rooms = await rooms_for(store, [UserId(f"user-{number}") for number in range(PEOPLE)])
    before = reads(documents)
    found = await asyncio.gather(*(store.rooms.heads([room, RoomId("none")]) for room in rooms))
    assert reads(documents) - before < FEW
    assert found == [{room: 1} for room in rooms]


async def test_rooms_that_wake_up_at_once_are_read_together(
    store: MongoStore, documents: Database[Answer]
) -> None:
    people = [UserId(f"user-{number:03}") for number in range(PEOPLE)]
    rooms = await rooms_for(store, people)
    before = reads(documents)
    asked = [*rooms, rooms[3], RoomId("none")]
    *found, again, none = await asyncio.gather(*map(store.rooms.state, asked))
    assert reads(documents) - before < FEW
    for number, state in enumerate(found):
        assert state is not None
        assert state.record.room_id == rooms[number]
        assert set(state.members) == {people[number], people[(number + 1) % PEOPLE]}
    assert (again, none) == (found[3], None)


async def test_whom_blocks_are_around_is_read_together(
    store: MongoStore, documents: Database[Answer]
) -> None:
    people = [UserId(f"user-{number:03}") for number in range(PEOPLE)]
    await store.blocks.block(people[0], people[1])
    before = reads(documents, "find")
    found = await asyncio.gather(*(store.blocks.around([one]) for one in people))
    assert reads(documents, "find") - before < FEW
    assert [set(one) for one in found] == [{user_id} for user_id in people]
    assert found[0][people[0]].blocks == {people[1]}
    assert found[1][people[1]].blocked_by == {people[0]}
    assert not found[2][people[2]].across


async def test_who_people_are_is_read_together(
    store: MongoStore, documents: Database[Answer]
) -> None:
    people = [UserId(f"user-{number:03}") for number in range(PEOPLE)]
    for some in batches(people, AT_ONCE):
        await asyncio.gather(*(store.accounts.add(named(one)) for one in some))
    before = reads(documents, "find")
    asked = [*([one] for one in people), [people[3], people[5], UserId("nobody")]]
    found = await asyncio.gather(*map(store.accounts.by_ids, asked))
    assert reads(documents, "find") - before < FEW
    assert [set(one) for one in found] == [*({one} for one in people), {people[3], people[5]}]
    assert found[3][people[3]].username == people[3]


def named(user_id: UserId) -> Account:
    return Account(
        user_id=user_id,
        username=user_id,
        display_name=user_id,
        password_hash="",
        created_at=EPOCH,
    )


@pytest.mark.parametrize("people", [1, 9])
async def test_what_fails_fails_for_all_who_asked_and_nobody_else(
    store: MongoStore, mongo: ReplicaSet, people: int
) -> None:
    rooms = await rooms_for(store, [UserId("ada"), UserId("bob")])
    with refusing(mongo, "aggregate", "log"):
        results = await asyncio.gather(
            *(store.rooms.memberships(UserId("ada")) for _ in range(people)),
            return_exceptions=True,
        )
    assert [type(one) for one in results] == [Unavailable] * people
    assert len(await store.rooms.memberships(UserId("ada"))) == len(rooms)
