import { attribute, fill, h, iconButton, reconcile, text } from "../dom.js";
import { namesIn } from "../room.js";
import { shownPart, timelineOf } from "../timeline.js";
import { dayRow, systemRow, unreadRow } from "./lines.js";
import { messageRow } from "./message.js";
import { pointOut, scrollPlace } from "./scrolling.js";
import { typingView, typingWords } from "./typing.js";

const EARLY_PX = 400;
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
const ROWS = { day: dayRow, unread: unreadRow, system: systemRow };

/**
 * The messages of the open room. Keeps to the end while the reader is there, and keeps the
 * reader's place while older pages come in above. Tells what is in view.
 *
 * @param {{loadOlder: Function, loadNewer: Function, toLatest: Function, inView: Function}} actions
 * @param {object} tools what rows offer
 */
export function timelineView(actions, tools) {
  let current = null;
  let state = null;
  let newest;
  let focused = null;
  let drawn = [];
  const above = h("div", { class: "above" });
  const rows = h("ol", {
    class: "messages",
    role: "log",
    "aria-live": "polite",
    "aria-relevant": "additions",
    "aria-label": "Messages",
    onkeydown: (event) => walk(event),
  });
  const typing = typingView();
  const scroller = h(
    "div",
    { class: "scroller", tabindex: "0", onscroll: () => noticeScroll(), onkeydown: (e) => enter(e) },
    above,
    rows,
    h("div", { class: "typing-line" }, typing.node),
  );
  const count = h("span", { class: "badge" });
  const jump = iconButton("down", "To the latest message", toLatest, {
    class: "icon-button jump",
  });
  jump.append(count);
  const node = h("div", { class: "timeline" }, scroller, jump);
  const place = scrollPlace(scroller, rows);
  new ResizeObserver(() => place.isAtEnd() && place.toEnd()).observe(scroller);

  function toLatest() {
    if (current.past) actions.toLatest(current.room.id);
    else place.toEnd(isCalm.matches ? "instant" : "smooth");
  }

  function noticeScroll() {
    if (!current) return;
    const shown = shownPart(current);
    const isAtEnd = place.notice(!shown.hasNewer);
    attribute(jump, "data-shown", !isAtEnd);
    if (!shown.loading && !shown.failed && current.floor !== null) askForMore(shown);
    if (state.visible && !shown.hasNewer) tellInView();
  }

  function askForMore(shown) {
    const below = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    if (shown.hasMore && scroller.scrollTop < EARLY_PX) actions.loadOlder(current.room.id);
    else if (shown.hasNewer && below < EARLY_PX) actions.loadNewer(current.room.id);
  }

  function tellInView() {
    const seq = place.lastInView();
    if (seq > 0) actions.inView(current.room.id, seq);
  }

  function render(model, next) {
    const isOther = current?.room.id !== model.room.id;
    const wrote = !isOther && lastWritten(next) !== undefined && lastWritten(next) !== newest;
    const wasAtEnd = !isOther && place.isAtEnd() && !current.past;
    const isFirstPage = isOther || (current.floor === null && model.floor !== null);
    const held = place.hold();
    [current, state, newest] = [model, next, lastWritten(next)];
    const shown = shownPart(model);
    attribute(rows, "data-kind", model.room.kind);
    attribute(rows, "aria-busy", String(shown.loading));
    renderAbove(model, shown);
    typing.render(shown.hasNewer ? null : typingWords(state, model, namesIn(model)));
    draw(model);
    if (isFirstPage) place.toUnreadOrEnd();
    else if (wasAtEnd || wrote) place.toEnd();
    else if (!place.restore(held)) place.toEnd();
    showFocus(model);
    showCount(model);
    noticeScroll();
  }

  /** What the rows are made of is mostly as it was: others write, come and go, read elsewhere. */
  function draw(model) {
    const { me, outbox, divider, now } = state;
    const wanted = [model, me, outbox, divider, now];
    if (wanted.every((one, at) => one === drawn[at])) return;
    drawn = wanted;
    reconcile(rows, timelineOf(model, state), (row) =>
      (ROWS[row.kind] ?? ((first) => messageRow(first, tools)))(row),
    );
  }

  function showFocus(model) {
    const { focus } = state;
    if (!focus || focus === focused || focus.roomId !== model.room.id) return;
    const wanted = shownPart(model).messages.find(({ id }) => id === focus.messageId);
    if (!wanted) return;
    focused = focus;
    pointOut(rows.querySelector(`[data-seq="${wanted.seq}"]`));
  }

  function showCount({ unread }) {
    count.hidden = unread === 0;
    text(count, unread > 99 ? "99+" : String(unread));
  }

  function renderAbove(model, { failed, hasMore }) {
    const isEmpty = model.floor === 0 && !model.lastMessage && state.outbox.length === 0;
    attribute(above, "data-empty", isEmpty);
    if (failed) {
      const again = () => actions.loadOlder(model.room.id);
      const button = h("button", { type: "button", class: "quiet", onclick: again }, "Try again");
      fill(above, "Older messages could not be read. ", button);
    } else if (hasMore) fill(above, h("span", { class: "spinner" }));
    else fill(above, isEmpty ? noMessages(model.room) : "");
  }

  function enter(event) {
    if (event.target !== scroller || event.key !== "ArrowUp") return;
    event.preventDefault();
    [...rows.querySelectorAll(".row")].at(-1)?.focus();
  }

  function walk(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const row = event.target.closest(".row");
    if (!step || event.target !== row) return;
    event.preventDefault();
    const all = [...rows.querySelectorAll(".row")];
    all[all.indexOf(row) + step]?.focus();
  }

  return { node, render };
}

const lastWritten = ({ outbox }) => outbox.at(-1)?.clientId;

const noMessages = (room) => [
  h("p", { class: "empty-title" }, "No messages yet"),
  h("p", {}, room.kind === "direct" ? "Say hello." : "Write the first one."),
];
