import { attribute, fill, h, iconButton, reconcile } from "../dom.js";
import { timelineOf } from "../timeline.js";
import { dayRow, messageRow } from "./message.js";

const NEAR_PX = 120;
const EARLY_PX = 400;

/**
 * The messages of the open room. Keeps to the end while the reader is there, and keeps the
 * reader's place while older pages come in above.
 *
 * @param {{loadOlder: (roomId: string) => void, retry: (clientId: string) => void}} actions
 */
export function timelineView(actions) {
  let current = null;
  let isAtEnd = true;
  let newest;
  const above = h("div", { class: "above" });
  const rows = h("ol", {
    class: "messages",
    role: "log",
    "aria-live": "polite",
    "aria-label": "Messages",
  });
  const scroller = h(
    "div",
    { class: "scroller", tabindex: "0", onscroll: () => noticeScroll() },
    above,
    rows,
  );
  const jump = iconButton("down", "To the latest message", () => toEnd("smooth"), {
    class: "jump",
  });
  const node = h("div", { class: "timeline" }, scroller, jump);
  new ResizeObserver(() => isAtEnd && toEnd("instant")).observe(scroller);

  function toEnd(behavior) {
    scroller.scrollTo({ top: scroller.scrollHeight, behavior });
  }

  function noticeScroll() {
    const below = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    isAtEnd = below < NEAR_PX;
    attribute(jump, "data-shown", !isAtEnd);
    askForOlder();
  }

  function askForOlder() {
    const mayAsk =
      current?.hasMore && !current.loading && !current.failed && current.floor !== null;
    if (mayAsk && scroller.scrollTop < EARLY_PX) actions.loadOlder(current.room.id);
  }

  function render(model, state) {
    const isOther = current?.room.id !== model.room.id;
    const wrote = !isOther && lastWritten(state) !== undefined && lastWritten(state) !== newest;
    const oldest = current?.floor;
    const fromBottom = scroller.scrollHeight - scroller.scrollTop;
    current = model;
    newest = lastWritten(state);
    attribute(rows, "data-kind", model.room.kind);
    attribute(rows, "aria-busy", String(model.loading));
    renderAbove(model, state);
    reconcile(rows, timelineOf(model, state), (row) =>
      row.kind === "day" ? dayRow() : messageRow(row, actions.retry),
    );
    if (isOther || isAtEnd || wrote) toEnd("instant");
    else if (oldest !== model.floor) scroller.scrollTop = scroller.scrollHeight - fromBottom;
    noticeScroll();
  }

  function renderAbove(model, state) {
    const isEmpty = model.floor === 0 && !model.lastMessage && state.outbox.length === 0;
    attribute(above, "data-empty", isEmpty);
    if (model.failed) {
      const again = h(
        "button",
        { type: "button", class: "quiet", onclick: () => actions.loadOlder(model.room.id) },
        "Try again",
      );
      fill(above, "Older messages could not be read. ", again);
    } else if (model.hasMore) fill(above, h("span", { class: "spinner" }));
    else fill(above, isEmpty ? noMessages(model.room) : "");
  }

  return { node, render };
}

const lastWritten = ({ outbox }) => outbox.at(-1)?.clientId;

const noMessages = (room) => [
  h("p", { class: "empty-title" }, "No messages yet"),
  h("p", {}, room.kind === "direct" ? "Say hello." : "Write the first one."),
];
