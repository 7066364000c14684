"""The page's state is a pure function of events; it is asked about in a browser."""

from typing import Any

from playwright.async_api import Page

from tests.e2e.browser.people import Newcomers

REDUCE = """async (events) => {
  const { reduce, initialState, hasGap } = await import("/store.js");
  const me = { id: "me", username: "me", displayName: "Me" };
  let state = reduce(initialState, { type: "signed-in", me, outbox: [] });
  for (const event of events) state = reduce(state, event);
  return [...state.rooms.values()].map(({ room, cursor, ahead, messages, unread, unsure }) => ({
    roomId: room.id, cursor, ahead, unread, unsure, hasGap: hasGap(state, room.id),
    contents: messages.map(({ content }) => content),
  }));
}"""

READY = {"type": "ready", "epoch": "first"}
SHOWN: dict[str, Any] = {
    "type": "room-shown",
    "room": {"id": "r", "rev": 1, "kind": "group", "participants": [], "unread": 0},
}
LOADED = [
    {"type": "history-requested", "roomId": "r"},
    {"type": "history-loaded", "roomId": "r", "page": {"messages": [], "hasMore": False}},
]
START = [READY, SHOWN, *LOADED]


def _message(rev: int, content: str, seq: int | None = None) -> dict[str, Any]:
    sender = {"id": "other", "username": "other", "displayName": "Other"}
    message = {
        "id": f"m{seq or rev}",
        "roomId": "r",
        "seq": seq or rev,
        "rev": rev,
        "clientId": f"c{seq or rev}",
        "sender": sender,
        "content": content,
        "createdAt": "2026-01-01T00:00:00.000Z",
    }
    data = {"roomId": "r", "rev": rev, "message": message}
    return {"type": "room-event", "name": "message:new", "data": data}


async def test_a_repeated_or_older_event_changes_nothing(newcomers: Newcomers) -> None:
    page = await _page(newcomers)
    events = [*START, _message(2, "two"), _message(3, "two, edited", seq=2)]
    once = await page.evaluate(REDUCE, events)
    assert once == [_room(cursor=3, unread=1, contents=["two, edited"])]
    assert await page.evaluate(REDUCE, [*events, _message(3, "late", seq=2), *events[4:]]) == once


async def test_a_missed_rev_is_noticed_and_a_late_one_closes_the_gap(newcomers: Newcomers) -> None:
    page = await _page(newcomers)
    gap = [*START, _message(2, "two"), _message(4, "four")]
    assert await page.evaluate(REDUCE, gap) == [
        _room(cursor=2, ahead=[4], unread=2, contents=["two", "four"], has_gap=True)
    ]
    closed = [_room(cursor=4, unread=3, contents=["two", "three", "four"])]
    assert await page.evaluate(REDUCE, [*gap, _message(3, "three")]) == closed
    answer = {
        "rooms": [
            {
                "roomId": "r",
                "state": "recovered",
                "messages": [_message(rev, text)["data"]["message"] for rev, text in _TEXTS],
                "rev": 4,
            }
        ],
        "removed": [],
    }
    assert await page.evaluate(REDUCE, [*gap, {"type": "synced", "answer": answer}]) == closed


async def test_a_message_counts_once_whatever_comes_first(newcomers: Newcomers) -> None:
    page = await _page(newcomers)
    early = [*START, _message(4, "three, edited", seq=3)]
    counted = [_room(cursor=1, ahead=[4], unread=1, contents=["three, edited"], has_gap=True)]
    assert await page.evaluate(REDUCE, early) == counted
    late = [_message(3, "three"), _message(2, "two")]
    both = [_room(cursor=4, unread=2, contents=["two", "three, edited"])]
    assert await page.evaluate(REDUCE, [*early, *late]) == both
    assert await page.evaluate(REDUCE, [*early, *late[::-1]]) == both


async def test_a_deleted_message_stays_unread(newcomers: Newcomers) -> None:
    page = await _page(newcomers)
    gone = _message(3, "", seq=2)
    gone["data"]["message"]["deletedAt"] = "2026-01-01T00:00:01.000Z"
    for events in ([_message(2, "two"), gone], [gone, _message(2, "two")]):
        deleted = [_room(cursor=3, unread=1, contents=[""])]
        assert await page.evaluate(REDUCE, [*START, *events]) == deleted


async def test_where_too_little_is_held_the_servers_count_is_taken(newcomers: Newcomers) -> None:
    page = await _page(newcomers)
    newest = _message(9, "nine")["data"]["message"]
    listed = {**SHOWN["room"], "rev": 12, "unread": 6, "lastMessage": newest}
    read = {"type": "receipts", "roomId": "r", "receipts": [{"userId": "me", "readSeq": 4}]}
    events = [READY, {**SHOWN, "room": listed}, read]

    def told(rev: int, read_seq: int) -> dict[str, Any]:
        own = {"user": {"id": "me"}, "readSeq": read_seq}
        room = {**listed, "rev": rev, "unread": 3, "participants": [own]}
        return {"type": "unread-told", "roomId": "r", "room": room}

    unsure = [_room(cursor=12, unread=5, contents=[], unsure=True)]
    for other in ([], [told(13, 4)], [told(12, 3)]):
        assert await page.evaluate(REDUCE, [*events, *other]) == unsure
    sure = [_room(cursor=12, unread=3, contents=[])]
    assert await page.evaluate(REDUCE, [*events, told(12, 4)]) == sure


async def test_another_epoch_voids_every_cursor(newcomers: Newcomers) -> None:
    page = await _page(newcomers)
    same = await page.evaluate(REDUCE, [*START, READY])
    assert len(same) == 1
    assert await page.evaluate(REDUCE, [*START, {"type": "ready", "epoch": "second"}]) == []


_TEXTS = [(3, "three"), (4, "four")]


def _room(
    *,
    cursor: int,
    unread: int,
    contents: list[str],
    ahead: list[int] | None = None,
    has_gap: bool = False,
    unsure: bool = False,
) -> dict[str, Any]:
    return {
        "roomId": "r",
        "cursor": cursor,
        "ahead": ahead or [],
        "unread": unread,
        "unsure": unsure,
        "hasGap": has_gap,
        "contents": contents,
    }


async def _page(newcomers: Newcomers) -> Page:
    page = await newcomers.page()
    await page.goto(newcomers.url)
    return page
