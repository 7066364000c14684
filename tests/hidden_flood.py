"""Somebody who writes without end to a person who has blocked it, and what that person reads."""

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from tests.integration.mongo.entries import ADA, BOB, created, entry, post
from whatchat.domain.ids import Rev, RoomId, Seq, random_id
from whatchat.domain.log import AnyChange, MessageEdited, ReactionChanged
from whatchat.domain.ports.message_store import ChangedSpan
from whatchat.domain.ports.store import Store

VISIBLE = 20
HIDDEN = 500
HEAD = Rev(1 + VISIBLE + HIDDEN + 20)

Read = Callable[[Store, RoomId], Awaitable[object]]


def history(**bounds: Seq | None) -> Read:
    within = {"before": None, "after": None} | bounds
    return lambda store, room_id: store.messages.history(
        room_id, viewer_id=BOB, first=Seq(0), limit=50, **within
    )


def search(*words: str) -> Read:
    return lambda store, room_id: store.search.candidates(
        words, {room_id: Seq(0)}, viewer_id=BOB, before=None, limit=50
    )


READS: dict[str, Read] = {
    "memberships": lambda store, _: store.rooms.memberships(BOB),
    "membership": lambda store, room_id: store.rooms.membership(room_id, BOB),
    "room": lambda store, room_id: store.rooms.state(room_id),
    "unread": lambda store, room_id: store.messages.unread(
        BOB, {room_id: (Seq(0), HEAD)}, limit=100
    ),
    "history": history(),
    "history after": history(after=Seq(1)),
    "history before": history(before=Seq(HEAD)),
    "latest": lambda store, room_id: store.messages.latest(
        BOB, {room_id: (Seq(0), HEAD)}, limit=50
    ),
    "changed": lambda store, room_id: store.messages.changed(
        BOB,
        {room_id: ChangedSpan(first=Seq(0), after=Rev(0), upto=HEAD)},
        limit=50,
    ),
    "authors": lambda store, room_id: store.receipts.authors(room_id, after=Seq(0), upto=Seq(HEAD)),
    "search": search("words"),
    "search for two": search("words", "more"),
}


async def a_room(store: Store, hidden: int) -> RoomId:
    """A room of two with messages that BOB does not see, the last of them edited and reacted to."""
    room_id = RoomId(random_id())
    said = post("words and more")
    log: list[AnyChange] = [replace(created(ADA, BOB), room_kind="direct")]
    log += [said] * VISIBLE + [replace(said, hidden=True)] * hidden
    for seq in map(Seq, range(len(log) - min(hidden, 10) + 1, len(log) + 1)):
        log.append(MessageEdited(seq=seq, content="more words", hidden=True))
        log.append(ReactionChanged(seq=seq, emoji="!", present=True, hidden=True))
    await store.messages.append([entry(room_id, rev, one) for rev, one in enumerate(log, 1)])
    return room_id
