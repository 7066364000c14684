"""What every store guarantees about finding messages by their words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, UserId, random_id
from whatchat.domain.log import (
    AnyChange,
    Entry,
    MessageDeleted,
    MessageEdited,
    MessageExpired,
    MessagePosted,
    ReactionChanged,
    RoomCreated,
)
from whatchat.domain.models import RoomSettings
from whatchat.domain.ports.search_store import MessagePosition
from whatchat.domain.ports.store import Store
from whatchat.domain.words import query_words

ADA, BOB = UserId("ada"), UserId("bob")
AT = datetime(2026, 1, 31, 12, 0, 0, 123000, tzinfo=UTC)


@dataclass
class Room:
    """A room whose log a test writes; times are given in milliseconds after :data:`AT`."""

    store: Store
    id: RoomId
    head: int = 0

    async def add(self, *changes: AnyChange, at: float = 0) -> Seq:
        entries = [self._entry(change, at) for change in changes]
        assert (await self.store.messages.append(entries)).count == len(entries)
        return Seq(self.head)

    async def post(self, *contents: str, at: float = 0) -> Seq:
        return await self.add(
            *(MessagePosted(message_type="text", content=one) for one in contents), at=at
        )

    def _entry(self, change: AnyChange, at: float) -> Entry:
        self.head += 1
        return Entry(
            room_id=self.id,
            rev=Rev(self.head),
            actor_id=ADA,
            client_id=ClientId(random_id()),
            digest=b"digest",
            at=AT + timedelta(milliseconds=at),
            pod="pod",
            change=change,
        )


async def opened(store: Store, name: str = "") -> Room:
    room = Room(store, RoomId(f"{name}{random_id()}"[:22]))
    created = RoomCreated(
        room_kind="direct", name="", description="", settings=RoomSettings(), members=(ADA, BOB)
    )
    await room.add(created)
    return room


@pytest.fixture
async def room(store: Store) -> Room:
    return await opened(store)


async def found(
    query: str, *rooms: Room, viewer: UserId = BOB, first: int = 0, page: int = 100
) -> list[tuple[str, int]]:
    """All that is found, read in pages; each page goes on where the one before ended."""
    searches = rooms[0].store.search
    keys: list[tuple[str, int]] = []
    before: MessagePosition | None = None
    for _ in range(100):
        candidates = await searches.candidates(
            query_words(query),
            {one.id: Seq(first) for one in rooms},
            viewer_id=viewer,
            before=before,
            limit=page,
        )
        assert len(candidates.keys) <= page
        keys += candidates.keys
        if candidates.next is None:
            return keys
        assert before is None or candidates.next < before
        before = candidates.next
    raise AssertionError("there is no end to it")


async def seqs(query: str, room: Room, *, first: int = 0, page: int = 100) -> Sequence[int]:
    return [seq for _, seq in await found(query, room, first=first, page=page)]


async def test_messages_are_found_by_all_of_their_words_newest_first(room: Room) -> None:
    await room.post("Hello, wörld", "hello", "world", "HELLO big World", "你好世界")
    assert await seqs("hello", room) == [5, 3, 2]
    assert await seqs("world hello", room) == [5, 2]
    assert await seqs("WÖRLD", room) == [5, 4, 2]
    assert await seqs("世界", room) == [6]
    assert await seqs("hel", room) == []
    assert await seqs("hello nobody", room) == []


@pytest.mark.parametrize("page", [1, 2, 3, 100])
async def test_rooms_are_merged_by_time_page_by_page(store: Store, page: int) -> None:
    one, other, elsewhere = [await opened(store) for _ in range(3)]
    expected = []
    for at in range(6):
        turn = one if at % 2 else other
        expected.append((str(turn.id), await turn.post(f"word {at}", at=at)))
        await elsewhere.post("word", at=at)
    assert await found("word", one, other, page=page) == expected[::-1]


@pytest.mark.parametrize("page", [1, 2, 3, 7])
@pytest.mark.parametrize("query", ["word", "word more"])
async def test_pages_hold_each_message_once_though_many_share_a_moment(
    store: Store, page: int, query: str
) -> None:
    rooms = [await opened(store, name) for name in "acb"]
    for room in rooms:
        await room.post(*["more of a word"] * 3)
    expected = [(str(room.id), seq) for seq in (4, 3, 2) for room in sorted(rooms, key=_by_id)]
    assert await found(query, *rooms, page=page) == expected


async def test_more_rooms_than_are_merged_at_once(store: Store) -> None:
    rooms = [await opened(store) for _ in range(230)]
    expected = []
    for at, room in enumerate(rooms):
        expected.append(
            (str(room.id), await room.post("needle" if at % 2 else "needle eye", at=at))
        )
    assert await found("needle", *rooms, page=50) == expected[::-1]
    assert await found("needle eye", *rooms, page=50) == expected[-2::-2]


async def test_what_was_said_before_the_first_is_not_found(room: Room) -> None:
    await room.post("word", "word", "word")
    assert await seqs("word", room, first=3) == [4, 3]
    assert await seqs("word", room, first=4, page=1) == [4]
    assert await seqs("word", room, first=5) == []


async def test_a_rare_word_beside_a_common_one_is_found_in_the_end(room: Room) -> None:
    await room.post("uncommonly rare", *["uncommonly"] * 2_500)
    # The longer word is looked up, and all that has it must be looked at.
    assert await seqs("uncommonly rare", room) == [2]
    first = await room.store.search.candidates(
        query_words("uncommonly rare"), {room.id: Seq(0)}, viewer_id=BOB, before=None, limit=10
    )
    assert (first.keys, first.next is None) == ((), False)


async def test_an_edit_exchanges_the_words(room: Room) -> None:
    seq = await room.post("before both")
    await room.add(MessageEdited(seq=seq, content="after both"))
    assert await seqs("before", room) == []
    assert await seqs("after", room) == [seq]
    assert await seqs("both", room) == [seq]
    await room.add(MessageEdited(seq=seq, content="👍"))
    assert await seqs("both", room) == []
    await room.add(MessageEdited(seq=seq, content="again"))
    assert await seqs("again", room) == [seq]


async def test_a_reaction_leaves_the_words(room: Room) -> None:
    seq = await room.post("word")
    await room.add(ReactionChanged(seq=seq, emoji="👍", present=True))
    assert await seqs("word", room) == [seq]


@pytest.mark.parametrize("kind", [MessageDeleted, MessageExpired])
async def test_words_go_with_the_message(
    room: Room, kind: type[MessageDeleted] | type[MessageExpired]
) -> None:
    seq = await room.post("word")
    kept = await room.post("word")
    await room.add(MessageEdited(seq=seq, content="word"), kind(seq=seq))
    assert await seqs("word", room) == [kept]


async def test_both_contents_of_a_veiled_message_lead_to_it(room: Room) -> None:
    seq = await room.post("open")
    await room.add(MessageEdited(seq=seq, content="secret", hidden=True))
    assert await seqs("open", room) == [seq]
    assert await seqs("secret", room) == [seq]
    await room.add(MessageEdited(seq=seq, content="plain"))
    assert await seqs("open", room) == []
    assert await seqs("secret", room) == []
    assert await seqs("plain", room) == [seq]


async def test_what_is_hidden_is_passed_over_as_if_it_was_not_there(room: Room) -> None:
    seq = await room.post("cake")
    hidden = MessagePosted(message_type="text", content="cake pie", hidden=True)
    for _ in range(9):
        await room.add(hidden)
    candidates = await room.store.search.candidates(
        ["cake"], {room.id: Seq(0)}, viewer_id=BOB, before=None, limit=2
    )
    assert (candidates.keys, candidates.next) == (((room.id, seq),), None)
    assert await found("pie cake", room, page=1) == []
    assert len(await found("cake", room, viewer=ADA, page=1)) == 10


async def test_what_the_system_says_is_not_found(room: Room) -> None:
    await room.add(MessagePosted(message_type="system", content="word"))
    assert await seqs("word", room) == []


async def test_a_message_without_words_and_one_of_very_many(room: Room) -> None:
    await room.post("👍", " ".join(f"w{number}" for number in range(2_000)))
    assert await seqs("w0 w499", room) == [3]
    assert await seqs("w500", room) == []


def _by_id(room: Room) -> tuple[int, ...]:
    return tuple(-ord(one) for one in room.id)
