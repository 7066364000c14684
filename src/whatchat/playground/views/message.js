import { attribute, fill, h, icon, iconButton, text } from "../dom.js";
import { hueOf, momentOf, timeOf } from "../format.js";
import { avatar } from "./avatar.js";
import { reactionsView } from "./reactions.js";
import { ticks } from "./ticks.js";
import { fillWords, isEmojiOnly } from "./words.js";

const HOLD_MS = 450;

/**
 * One message; `update` touches only what changed.
 *
 * @param {object} first the row as `timelineOf` makes it
 * @param {{retry: Function, drop: Function, openMenu: Function, pickEmoji: Function,
 *   reply: Function, react: Function, showQuoted: Function, showInfo: Function,
 *   me: () => object, nameOf: (userId: string) => string}} tools
 */
export function messageRow(first, tools) {
  let shown = {};
  const { sender, isMine } = first;
  const name = h("span", { class: `sender hue-text-${hueOf(sender.id)}` });
  const quote = quoteView(() => tools.showQuoted(shown.replyTo));
  const words = h("span", { class: "words" });
  const meta = h("span", { class: "meta" });
  const bubble = h("div", { class: "bubble" }, name, quote.node, words, meta);
  const said = h("div", { class: "said" }, bubble, rowTools(() => shown.message, tools));
  const reactions = reactionsView((emoji, isOn) => tools.react(shown.message, emoji, isOn));
  const showInfo = () => tools.showInfo(shown.message);
  const readers = h("button", { type: "button", class: "read-by", onclick: showInfo });
  const refusal = refusalView(() => shown.clientId, tools);
  const node = h(
    "li",
    { class: isMine ? "row mine" : "row", tabindex: "-1" },
    !isMine && avatar(sender.id, sender.displayName, "tiny"),
    said,
    reactions.node,
    readers,
    refusal.node,
  );
  listenForMenu(node, bubble, (where) => {
    if (shown.message && !shown.isDeleted) tools.openMenu(where, shown.message);
  });

  function update(row) {
    if (isSame(row, shown)) return;
    const before = shown;
    shown = row;
    for (const state of ["first", "last"]) attribute(node, `data-${state}`, row[FLAGS[state]]);
    attribute(node, "data-status", row.status);
    attribute(node, "data-deleted", row.isDeleted);
    attribute(node, "data-seq", row.seq);
    attribute(name, "class", senderClass(row));
    text(name, isMine ? "You" : row.sender.displayName);
    if (row.content !== before.content || row.isDeleted !== before.isDeleted) showWords(row);
    quote.render(row.isDeleted ? {} : row);
    reactions.render(row.isDeleted ? [] : row.reactions, tools.me(), tools.nameOf);
    fill(meta, metaOf(row));
    readers.hidden = !row.saysReaders;
    text(readers, row.readBy >= row.others ? "Read by all" : `Read by ${row.readBy}`);
    refusal.render(row);
  }

  function showWords({ isDeleted, goneWords, content }) {
    attribute(bubble, "data-emoji", !isDeleted && isEmojiOnly(content));
    if (isDeleted) text(words, goneWords);
    else fillWords(words, content);
  }

  return { node, update };
}

const FLAGS = { first: "isFirst", last: "isLast" };

/** What a message answers; a click goes there. */
function quoteView(open) {
  const name = h("span", { class: "quote-name" });
  const words = h("span", { class: "quote-text" });
  const node = h("button", { type: "button", class: "quote", onclick: open }, name, words);
  const render = ({ replyTo, quoteName, quoteText, quoteOf }) => {
    node.hidden = !replyTo;
    if (!replyTo) return;
    attribute(node, "class", quoteOf ? `quote hue-text-${hueOf(quoteOf)}` : "quote");
    attribute(node, "aria-label", `In answer to ${quoteName}: ${quoteText}`);
    text(name, quoteName);
    text(words, quoteText);
  };
  return { node, render };
}

/** Appears beside a message that is pointed at or focused. */
function rowTools(message, tools) {
  const button = (drawing, label, act) =>
    iconButton(drawing, label, ({ currentTarget }) => act({ anchor: currentTarget }, message()));
  return h(
    "div",
    { class: "row-tools" },
    button("smile", "React", tools.pickEmoji),
    button("reply", "Reply", (_where, one) => tools.reply(one)),
    button("more", "More", tools.openMenu),
  );
}

function refusalView(clientId, { retry, drop }) {
  const reason = h("span", {});
  const again = h("button", { type: "button", onclick: () => retry(clientId()) }, "Try again");
  const away = h("button", { type: "button", onclick: () => drop(clientId()) }, "Discard");
  const node = h("div", { class: "refusal", role: "alert" }, reason, again, away);
  const render = ({ status, refusal }) => {
    node.hidden = status !== "failed";
    text(reason, status === "failed" ? `Not sent: ${refusal}` : "");
  };
  return { node, render };
}

/** A secondary click, a long touch, or Enter on a focused message. */
function listenForMenu(node, bubble, open) {
  let held = null;
  const at = ({ clientX: x, clientY: y }) => ({ anchor: bubble, point: { x, y } });
  const forget = () => clearTimeout(held);
  bubble.addEventListener("contextmenu", (event) => {
    if (event.target.closest("a") || String(getSelection())) return;
    event.preventDefault();
    open(at(event));
  });
  bubble.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") held = setTimeout(() => open(at(event)), HOLD_MS);
  });
  for (const name of ["pointerup", "pointercancel", "pointermove", "contextmenu"]) {
    bubble.addEventListener(name, forget);
  }
  node.addEventListener("keydown", (event) => {
    if (event.target !== node || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    open({ anchor: bubble });
  });
}

function metaOf({ isEdited, isDeleted, isMine, expiresAt, left, at, status }) {
  return [
    isEdited && !isDeleted && "edited ",
    expiresAt && !isDeleted && timer(expiresAt, left),
    h("time", { datetime: at, title: momentOf(at) }, timeOf(at)),
    isMine && !isDeleted && ticks(status),
  ];
}

const timer = (expiresAt, left) =>
  h(
    "span",
    { class: "timer", role: "img", "aria-label": `Disappears ${momentOf(expiresAt)}` },
    icon("timer"),
    left,
  );

const senderClass = ({ isNamed, sender }) =>
  isNamed ? `sender hue-text-${hueOf(sender.id)}` : "sender unseen";

const isSame = (row, shown) =>
  Object.keys(row).every((name) => row[name] === shown[name]) &&
  row.saysReaders === shown.saysReaders;
