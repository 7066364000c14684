"""Catching up: everything once, page by page, and nothing that is not one's own."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from tests.integration.services.conftest import House, PodServices, actor
from tests.samples import sample
from whatchat.domain.ids import ClientId, MessageId, Rev, RoomId, Seq, UserId
from whatchat.domain.models import Message, User
from whatchat.features.messages.contract import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    ReadHistory,
)
from whatchat.features.rooms.contract import (
    AddMembers,
    JoinRoom,
    LeaveRoom,
    RemoveMember,
    SettingsPatch,
    UpdateRoom,
)
from whatchat.features.sync.contract import Sync, SyncedRoom
from whatchat.features.sync.page import MAX_BYTES, Page

ADA, BOB, EVE = actor("ada"), actor("bob"), actor("eve")


@pytest.fixture
async def pod(house: House) -> PodServices:
    return await house.pod()


async def synced(pod: PodServices, user: str, cursors: dict[RoomId, int]) -> list[SyncedRoom]:
    command = Sync(cursors={room_id: Rev(rev) for room_id, rev in cursors.items()})
    answer = await pod.sync.sync(actor(user), command)
    assert not answer.more
    return answer.rooms


async def test_an_unknown_room_comes_as_a_snapshot(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    messages = [await pod.send("ada", room.id, str(number)) for number in range(60)]
    (snapshot,) = await synced(pod, "bob", {})
    assert (snapshot.state, snapshot.rev, snapshot.more) == ("snapshot", 61, False)
    assert snapshot.messages == messages[-50:]
    assert snapshot.room is not UNSET
    assert (snapshot.room.unread, snapshot.room.last_message) == (60, messages[-1])


async def test_a_room_comes_back_with_what_changed_in_its_current_state(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    old, kept, gone = [await pod.send("ada", room.id, text) for text in ("old", "kept", "gone")]
    new = await pod.send("ada", room.id, "new")
    edited = await pod.messages.edit(ADA, EditMessage(message_id=old.id, content="newer"))
    tombstone = await pod.messages.delete(ADA, DeleteMessage(message_id=gone.id))
    reacted = await pod.messages.react(BOB, AddReaction(message_id=new.id, emoji="👍"))
    (recovered,) = await synced(pod, "bob", {room.id: kept.rev + 1})
    assert recovered.state == "recovered"
    assert recovered.messages == [edited, tombstone, reacted]
    assert recovered.room is UNSET
    assert await synced(pod, "bob", {room.id: recovered.rev}) == []


async def test_the_room_is_there_when_more_than_messages_changed(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    await pod.rooms.update(ADA, UpdateRoom(room_id=room.id, name="New"))
    await pod.send("ada", room.id)
    (before,) = await synced(pod, "bob", {room.id: 1})
    assert before.room is not UNSET
    assert before.room.name == "New"
    (after,) = await synced(pod, "bob", {room.id: 2})
    assert after.room is UNSET


async def test_joining_again_gives_a_snapshot_from_then_on(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    secret = await pod.send("ada", room.id, "while bob is in")
    await pod.rooms.remove(ADA, RemoveMember(room_id=room.id, user_id=UserId("bob")))
    await pod.send("ada", room.id, "while bob is out")
    removed = await pod.sync.sync(BOB, Sync(cursors={room.id: Rev(2)}))
    assert (removed.rooms, removed.removed) == ([], [room.id])

    await pod.rooms.add(ADA, AddMembers(room_id=room.id, user_ids=(UserId("bob"),)))
    seen = await pod.send("ada", room.id, "back again")
    await pod.messages.edit(ADA, EditMessage(message_id=secret.id, content="still secret"))
    (snapshot,) = await synced(pod, "bob", {room.id: 3})
    assert (snapshot.state, snapshot.messages[1:]) == ("snapshot", [seen])
    assert snapshot.messages[0].content == "Ada added Bob"
    history = await pod.messages.history(BOB, ReadHistory(room_id=room.id))
    assert history.messages == snapshot.messages


async def test_a_change_to_what_is_not_theirs_moves_the_cursor_alone(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    before = await pod.send("ada", room.id, "before eve")
    await pod.rooms.add(ADA, AddMembers(room_id=room.id, user_ids=(UserId("eve"),)))
    await pod.messages.edit(ADA, EditMessage(message_id=before.id, content="still not eve's"))
    (recovered,) = await synced(pod, "eve", {room.id: 4})
    assert (recovered.messages, recovered.rev) == ([], 5)


async def test_public_rooms_are_read_whole(pod: PodServices) -> None:
    room = await pod.group("ada", settings=SettingsPatch(is_private=False))
    before = await pod.send("ada", room.id, "before eve")
    await pod.rooms.join(EVE, JoinRoom(room_id=room.id))
    (snapshot,) = await synced(pod, "eve", {})
    assert snapshot.messages[0] == before
    assert [one.content for one in snapshot.messages[1:]] == ["Eve joined"]


async def test_cursors_of_another_history_are_void(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    await pod.send("ada", room.id)
    (past_the_head,) = await synced(pod, "ada", {room.id: 99})
    assert past_the_head.state == "snapshot"
    answer = await pod.sync.sync(ADA, Sync(cursors={room.id: Rev(2)}, epoch="another"))
    assert [one.state for one in answer.rooms] == ["snapshot"]
    same = await pod.sync.sync(ADA, Sync(cursors={room.id: Rev(2)}, epoch=answer.epoch))
    assert same.rooms == []


async def test_what_became_of_each_cursor_is_counted_once(pod: PodServices) -> None:
    def resumed() -> list[float]:
        outcomes = ("recovered", "snapshot", "lost")
        return [sample(pod.metrics, "resumes_total", outcome=one) for one in outcomes]

    room = await pod.group("ada", "bob")
    for _ in range(3):
        await pod.send("ada", room.id)
    epoch = (await pod.sync.sync(ADA, Sync(cursors={}))).epoch
    await synced(pod, "ada", {room.id: 4})
    assert resumed() == [0, 0, 0], "who starts anew, or has missed nothing, resumes nothing"
    for held in (1, 3):  # two pages
        await pod.sync.sync(ADA, Sync(cursors={room.id: Rev(held)}, limit=2))
    assert resumed() == [1, 0, 0]
    await pod.sync.sync(ADA, Sync(cursors={room.id: Rev(2)}, epoch="another"))
    await synced(pod, "ada", {room.id: 99})  # of which history, nobody knows
    assert resumed() == [1, 2, 0]
    await pod.sync.sync(ADA, Sync(cursors={room.id: Rev(99)}, epoch=epoch))
    assert resumed() == [1, 2, 1]


async def test_only_leaves_out_what_is_not_named(pod: PodServices) -> None:
    named, other = await pod.group("ada"), await pod.group("ada")
    await pod.send("ada", named.id)
    await pod.send("ada", other.id)
    answer = await pod.sync.sync(ADA, Sync(cursors={named.id: Rev(1)}, only=True))
    assert [one.room_id for one in answer.rooms] == [named.id]


async def test_rooms_that_cannot_be_seen_are_removed(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    await pod.rooms.leave(BOB, LeaveRoom(room_id=room.id))
    cursors = {room.id: Rev(1), RoomId("unknown"): Rev(1)}
    answer = await pod.sync.sync(BOB, Sync(cursors=cursors))
    assert answer.removed == list(cursors)


@pytest.mark.parametrize("limit", [1, 7, 50, 200])
async def test_pages_hold_everything_once(pod: PodServices, limit: int) -> None:
    rooms = [await pod.group("ada", "bob") for _ in range(3)]
    expected: dict[str, Message] = {}
    for room in rooms:
        for number in range(20):
            message = await pod.send("ada", room.id, str(number))
            expected[message.id] = message
    cursors: dict[RoomId, Rev] = {room.id: Rev(1) for room in rooms}
    found: dict[str, Message] = {}
    for _ in range(100):
        answer = await pod.sync.sync(BOB, Sync(cursors=dict(cursors), limit=limit))
        page = [message for one in answer.rooms for message in one.messages]
        assert len(page) <= limit
        assert not found.keys() & {message.id for message in page}
        found |= {message.id: message for message in page}
        cursors |= {one.room_id: Rev(one.rev) for one in answer.rooms}
        if not answer.more:
            break
    assert found == expected
    assert set(cursors.values()) == {21}


async def test_an_answer_ends_at_its_bytes(pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    for _ in range(30):
        await pod.send("ada", room.id, "x" * 16_000)
    answer = await pod.sync.sync(BOB, Sync(cursors={room.id: Rev(1)}))
    assert answer.more
    assert answer.rooms[0].more
    assert 15 <= len(answer.rooms[0].messages) <= 16
    assert len(msgspec.json.encode(answer)) <= MAX_BYTES
    started = await pod.sync.sync(BOB, Sync(cursors={}))
    assert len(msgspec.json.encode(started)) <= MAX_BYTES
    snapshot = started.rooms[0]
    assert snapshot.messages[-1].seq == 31
    assert len(snapshot.messages) <= 18


@given(st.lists(st.integers(0, 40_000), max_size=60), st.integers(1, 500))
def test_a_page_takes_at_least_one_and_no_more_than_fits(sizes: list[int], limit: int) -> None:
    messages = [_message("x" * size) for size in sizes]
    taken = Page(limit).take(messages)
    assert taken == messages[: len(taken)]
    assert min(1, len(messages)) <= len(taken) <= limit
    assert len(taken) < 2 or sum(sizes[: len(taken)]) <= MAX_BYTES


def _message(content: str) -> Message:
    return Message(
        id=MessageId("m"),
        room_id=RoomId("r"),
        seq=Seq(1),
        rev=Rev(1),
        client_id=ClientId("c" * 16),
        sender=User(id=UserId("u"), username="u", display_name="U"),
        message_type="text",
        content=content,
        created_at="2026-01-31T12:00:00.000Z",
        reactions=[],
    )
