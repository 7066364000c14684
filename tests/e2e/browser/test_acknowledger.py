"""What the page tells the server about what has arrived and been read, asked in a browser."""

from typing import Any

from tests.e2e.browser.people import Newcomers

TELL = """async (answers) => {
  const [{ Acknowledger }, { reduce, initialState }] =
    await Promise.all([import("/acknowledger.js"), import("/store.js")]);
  const me = { id: "me", username: "me", displayName: "Me" };
  const other = { id: "other", username: "other", displayName: "Other" };
  const participants = [me, other].map((user) => ({ user, deliveredSeq: 0, readSeq: 0 }));
  const room = { id: "r", rev: 1, kind: "direct", participants, settings: {}, unread: 0 };
  const store = { state: initialState };
  const told = [];
  const go = (event) => { store.state = reduce(store.state, event); };
  const arrives = (seq) => {
    const message = { id: `m${seq}`, roomId: "r", seq, rev: seq, clientId: `c${seq}`,
      sender: other, content: "", createdAt: "2026-01-01T00:00:00.000Z" };
    go({ type: "room-event", name: "message:new", data: { roomId: "r", rev: seq, message } });
  };
  const reads = (seq) => { arrives(seq); go({ type: "read-here", roomId: "r", seq }); };
  const one = new Acknowledger(store, async (event, { seq }) => {
    told.push([event, seq]);
    if (told.length === 1) { reads(3); one.notice(store.state); }
    const error = answers.shift();
    if (error) throw error;
  });
  go({ type: "signed-in", me, outbox: [] });
  go({ type: "link-changed", link: "online" });
  go({ type: "room-shown", room });
  reads(2);
  one.notice(store.state);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  return { told, unread: store.state.rooms.get("r").unread };
}"""


async def test_what_is_read_while_telling_is_told_as_well(newcomers: Newcomers) -> None:
    assert await _told(newcomers, []) == [["message:read", 2], ["message:read", 3]]


async def test_what_could_not_be_told_is_told_again(newcomers: Newcomers) -> None:
    failure = {"retryable": True, "retryAfterMs": 100}
    assert await _told(newcomers, [failure]) == [["message:read", 2], ["message:read", 3]]


async def test_what_is_refused_for_good_is_not_insisted_on(newcomers: Newcomers) -> None:
    refusal = {"retryable": False}
    told = await _told(newcomers, [refusal, refusal])
    assert told == [["message:read", 2], ["message:read", 3]]


async def _told(newcomers: Newcomers, answers: list[dict[str, Any]]) -> list[list[object]]:
    page = await newcomers.page()
    await page.goto(newcomers.url)
    outcome = await page.evaluate(TELL, answers)
    assert outcome["unread"] == 0
    told: list[list[object]] = outcome["told"]
    return told
