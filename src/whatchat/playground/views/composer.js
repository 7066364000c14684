import { attribute, fill, h, icon, iconButton } from "../dom.js";
import { partnerOf } from "../room.js";
import { openEmojiPicker } from "./emojipicker.js";
import { attempt, toast } from "./toast.js";

const MAX_BYTES = 16_384;

/**
 * Where messages are written: Enter sends, Shift+Enter breaks the line, arrow up edits one's
 * latest message, Escape gives up an answer or an edit. Each room keeps its draft while the
 * page is open.
 *
 * @param {{write: Function, edit: Function, typed: Function, stoppedTyping: Function,
 *   unblock: Function, lastOwn: () => object | undefined}} actions
 */
export function composerView(actions) {
  const drafts = new Map();
  let roomId = null;
  let me = null;
  const draft = () => drafts.get(roomId) ?? { text: "", replyTo: null, edited: null };
  const input = h("textarea", {
    rows: "1",
    dir: "auto",
    placeholder: "Message",
    "aria-label": "Message",
    enterkeyhint: "send",
    oninput: () => typed(),
    onblur: () => actions.stoppedTyping(),
    onkeydown: (event) => press(event),
  });
  const button = h(
    "button",
    { type: "submit", class: "send", "aria-label": "Send", title: "Send" },
    icon("send"),
  );
  const emoji = iconButton("smile", "Emoji", () => openEmojiPicker({ anchor: emoji }, insert));
  const about = h("div", { class: "composer-about", hidden: true });
  const form = h(
    "form",
    { class: "composer-line", onsubmit: (event) => submit(event) },
    h("div", { class: "composer-box" }, input, emoji),
    button,
  );
  const blocked = h("div", { class: "composer-blocked", hidden: true });
  const node = h("div", { class: "composer" }, about, form, blocked);

  function fit() {
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
    attribute(button, "data-ready", input.value.trim() !== "");
  }

  function typed() {
    fit();
    set({ text: input.value });
    if (input.value.trim() && !draft().edited) actions.typed(roomId);
    else actions.stoppedTyping();
  }

  function set(fields) {
    drafts.set(roomId, { ...draft(), ...fields });
  }

  function press(event) {
    if (event.isComposing) return;
    const { replyTo, edited } = draft();
    if (event.key === "Enter" && !event.shiftKey) submit(event);
    else if (event.key === "Escape" && (replyTo || edited)) {
      event.preventDefault();
      cancel();
    } else if (event.key === "ArrowUp" && !input.value) {
      const last = actions.lastOwn();
      if (last) edit(last);
      if (last) event.preventDefault();
    }
  }

  function submit(event) {
    event.preventDefault();
    const content = input.value.trim();
    if (!content) return;
    if (new TextEncoder().encode(content).length > MAX_BYTES) {
      toast("This message is too long.");
      return;
    }
    const { replyTo, edited } = draft();
    show({ text: "", replyTo: null, edited: null });
    actions.stoppedTyping();
    if (!edited) actions.write(roomId, content, replyTo?.id);
    else if (content !== edited.content) attempt(() => actions.edit(edited.id, content));
    input.focus();
  }

  /** Let go of an answer or an edit; the text of an edit goes with it. */
  function cancel() {
    show({ text: draft().edited ? "" : input.value, replyTo: null, edited: null });
    input.focus();
  }

  function show(next) {
    set(next);
    const { text, replyTo, edited } = draft();
    input.value = text;
    fit();
    about.hidden = !replyTo && !edited;
    if (replyTo) fill(about, aboutLine("reply", `Reply to ${nameOf(replyTo)}`, replyTo, cancel));
    else if (edited) fill(about, aboutLine("compose", "Edit message", edited, cancel));
    else fill(about);
  }

  const nameOf = ({ sender }) => (sender.id === me.id ? "yourself" : sender.displayName);

  function reply(message) {
    show({ replyTo: message, edited: null, text: draft().edited ? "" : input.value });
    input.focus();
  }

  function edit(message) {
    show({ edited: message, replyTo: null, text: message.content });
    input.focus();
    input.setSelectionRange(input.value.length, input.value.length);
  }

  function insert(one) {
    input.setRangeText(one, input.selectionStart, input.selectionEnd, "end");
    typed();
    input.focus();
  }

  /** Show another room's draft. */
  function open(room, state) {
    ({ me } = state);
    showBlocked(room, state);
    if (room.id === roomId) return;
    roomId = room.id;
    show(draft());
    if (matchMedia("(pointer: fine)").matches) input.focus();
  }

  function showBlocked(room, state) {
    const partner = room.kind === "direct" ? partnerOf(room, state.me) : null;
    const isBlocked = partner !== null && state.blocks.has(partner.id);
    if (blocked.hidden !== isBlocked) return;
    blocked.hidden = !isBlocked;
    form.hidden = isBlocked;
    const unblock = () => attempt(() => actions.unblock(partner));
    const lift = h("button", { type: "button", class: "quiet", onclick: unblock }, "Unblock");
    fill(blocked, isBlocked && [`You have blocked ${partner.displayName}.`, lift]);
  }

  return { node, open, reply, edit };
}

const aboutLine = (drawing, title, { content }, cancel) => [
  icon(drawing),
  h("span", { class: "line-text" }, h("span", { class: "quote-name" }, title), excerpt(content)),
  iconButton("close", "Cancel", cancel),
];

const excerpt = (content) => h("span", { class: "quote-text" }, content.slice(0, 200));
