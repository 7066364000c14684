"""Searching: what is one's own to read, newest first, and nothing else."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET, convert

from tests.integration.services.conftest import House, PodServices, actor
from whatchat.domain.actor import Actor
from whatchat.domain.errors import ChatError, Forbidden, Invalid, NotFound
from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.models import Message
from whatchat.features.messages.contract import DeleteMessage, EditMessage
from whatchat.features.rooms.contract import (
    AddMembers,
    CreateRoom,
    JoinRoom,
    LeaveRoom,
    RemoveMember,
    SettingsPatch,
)
from whatchat.features.search.contract import FoundMessages, Search

ADA, BOB, EVE = actor("ada"), actor("bob"), actor("eve")


@pytest.fixture
async def pod(house: House) -> PodServices:
    return await house.pod()


async def search(pod: PodServices, who: Actor, query: str, **given: object) -> FoundMessages:
    """An answer to a command as it comes off the wire."""
    fields = {"query": query, **given}
    return await pod.search.search(who, convert(fields, Search))


async def found(pod: PodServices, who: Actor, query: str, **given: object) -> list[Message]:
    """All pages, each asked for by what the one before said is next."""
    answer = await search(pod, who, query, **given)
    messages = answer.messages
    while answer.has_more:
        assert answer.next is not UNSET
        answer = await search(pod, who, query, **given | {"before": answer.next})
        messages += answer.messages
    assert answer.next is UNSET
    return messages


def by_time(*messages: Message) -> list[Message]:
    """Newest first, as pages have them: rooms may share a millisecond."""
    return sorted(messages, key=lambda one: (one.created_at, one.seq, one.room_id), reverse=True)


async def test_ones_own_rooms_are_searched_newest_first(pod: PodServices) -> None:
    one, other = await pod.group("ada", "bob"), await pod.group("ada", "bob")
    elsewhere = await pod.group("ada")
    first = await pod.send("ada", one.id, "Bring the CAKE, please")
    second = await pod.send("bob", other.id, "cake? what cake?")
    await pod.send("ada", one.id, "cakes")
    await pod.send("ada", elsewhere.id, "my own cake")
    assert await found(pod, BOB, "cake") == by_time(first, second)
    assert await found(pod, BOB, "Cake please") == [first]
    assert await found(pod, BOB, "cake", roomId=other.id) == [second]
    assert await found(pod, EVE, "cake") == []


@pytest.mark.parametrize("query", ["", "   ", "…!?", "👍"])
async def test_a_query_has_a_word_in_it(query: str) -> None:
    with pytest.raises((Invalid, ValueError)) as caught:
        Search(query=query)
    assert isinstance(caught.value, ChatError)
    assert caught.value.field == "query"


async def test_an_edit_and_a_deletion_change_what_is_found(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    message = await pod.send("ada", room.id, "before")
    edited = await pod.messages.edit(ADA, EditMessage(message_id=message.id, content="after"))
    assert await found(pod, BOB, "before") == []
    assert await found(pod, BOB, "after") == [edited]
    await pod.messages.delete(ADA, DeleteMessage(message_id=message.id))
    assert await found(pod, BOB, "after") == []


async def test_whoever_joins_finds_what_was_said_from_then_on(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    await pod.send("ada", room.id, "word while bob is in")
    await pod.rooms.remove(ADA, RemoveMember(room_id=room.id, user_id=UserId("bob")))
    assert await found(pod, BOB, "word") == []
    await pod.rooms.add(ADA, AddMembers(room_id=room.id, user_ids=(UserId("bob"),)))
    back = await pod.send("ada", room.id, "word again")
    assert await found(pod, BOB, "word") == [back]
    assert len(await found(pod, ADA, "word")) == 2


async def test_a_public_room_is_searched_whole_by_its_members_alone(pod: PodServices) -> None:
    room = await pod.group("ada", settings=SettingsPatch(is_private=False))
    before = await pod.send("ada", room.id, "word before eve")
    with pytest.raises(Forbidden):
        await search(pod, EVE, "word", roomId=room.id)
    await pod.rooms.join(EVE, JoinRoom(room_id=room.id))
    assert await found(pod, EVE, "word", roomId=room.id) == [before]


async def test_a_room_that_is_not_ones_own_does_not_exist(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    message = await pod.send("bob", room.id, "word")
    await pod.rooms.leave(BOB, LeaveRoom(room_id=room.id))
    for room_id in (room.id, "unknown"):
        with pytest.raises(NotFound) as caught:
            await search(pod, BOB, "word", roomId=room_id)
        assert caught.value.field == "roomId"
    with pytest.raises(NotFound) as caught:
        await search(pod, BOB, "word", before=message.id)
    assert caught.value.field == "before"


async def test_pages_go_on_behind_a_message_a_seq_or_what_is_next(pod: PodServices) -> None:
    room, other = await pod.group("ada"), await pod.group("ada")
    sent = [
        await pod.send("ada", room.id if number % 2 else other.id, f"word {number}")
        for number in range(6)
    ]
    newest_first = by_time(*sent)
    page = await search(pod, ADA, "word", limit=4)
    assert (page.messages, page.has_more) == (newest_first[:4], True)
    for before in (newest_first[3].id, page.next):
        rest = await search(pod, ADA, "word", before=before, limit=2)
        assert (rest.messages, rest.has_more) == (newest_first[4:], False)
    own = [message for message in newest_first if message.room_id == room.id]
    by_seq = await search(pod, ADA, "word", roomId=room.id, before=str(own[0].seq))
    assert by_seq.messages == own[1:]
    nothing = await search(pod, ADA, "word", roomId=room.id, before="1")
    assert (nothing.messages, nothing.has_more) == ([], False)


@pytest.mark.parametrize(
    "before",
    ["12", "word", "999999999999999.1.r", "1.9999999999999999.r"],
)
async def test_what_no_page_ended_with_is_refused(pod: PodServices, before: str) -> None:
    await pod.group("ada")
    with pytest.raises((NotFound, Invalid)) as caught:
        await search(pod, ADA, "word", before=before)
    assert caught.value.field == "before"


@settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["a", "b", "a b"])), max_size=12),
    st.integers(1, 5),
)
async def test_pages_hold_everything_once(
    pod: PodServices, said: list[tuple[int, str]], limit: int
) -> None:
    rooms: list[RoomId] = [(await pod.group("ada")).id for _ in range(3)]
    expected = [
        message
        for place, text in said
        if "a" in (message := await pod.send("ada", rooms[place], text)).content
    ]
    messages = await found(pod, ADA, "a", limit=limit)
    assert [one for one in messages if one.room_id in rooms] == by_time(*expected)


async def test_what_is_hidden_leaves_no_trace(house: House, pod: PodServices) -> None:
    command = CreateRoom(kind="direct", participants=(BOB.user_id,))
    room = (await pod.rooms.create(ADA, command)).value
    heard = await pod.send("bob", room.id, "cake")
    house.blocks.block("ada", "bob")
    unheard = [await pod.send("bob", room.id, "cake pie") for _ in range(40)]
    for query in ("cake", "pie", "cake pie"):
        expected = [heard] if query == "cake" else []
        answer = await search(pod, ADA, query, limit=1)
        assert (answer.messages, answer.has_more, answer.next) == (expected, False, UNSET)
    assert len(await found(pod, BOB, "pie")) == len(unheard)
    with pytest.raises(NotFound):
        await search(pod, ADA, "cake", before=unheard[0].id)
    assert await found(pod, BOB, "cake", before=unheard[0].id) == [heard]


async def test_what_was_said_before_ones_time_is_no_place_to_go_on_from(pod: PodServices) -> None:
    room = await pod.group("ada", settings=SettingsPatch(is_private=True))
    earlier = await pod.send("ada", room.id, "cake")
    await pod.rooms.add(ADA, AddMembers(room_id=room.id, user_ids=(BOB.user_id,)))
    with pytest.raises(NotFound):
        await search(pod, BOB, "cake", before=earlier.id)
