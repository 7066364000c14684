import { h, icon } from "../dom.js";
import { QUICK } from "../emoji.js";
import { confirmDialog } from "./dialog.js";
import { emojiButton, openEmojiPicker } from "./emojipicker.js";
import { openMessageInfo } from "./messageinfo.js";
import { showPopover, withArrowKeys } from "./popover.js";
import { openReport } from "./report.js";
import { attempt, toast } from "./toast.js";

/**
 * What may be done with a message.
 *
 * @param {{anchor: Element, point?: {x: number, y: number}}} where
 * @param {object} message
 * @param {{model: object, state: object, actions: object, reply: Function, edit: Function}} around
 */
export function openMessageMenu(where, message, { model, state, actions, reply, edit }) {
  const isMine = message.sender.id === state.me.id;
  const mayErase = actions.mayErase(message, model.room);
  const react = (emoji) => {
    close();
    reactTo(message, emoji, state.me, actions);
  };
  const quick = h(
    "div",
    { class: "quick", role: "group", "aria-label": "React" },
    QUICK.map(([emoji, words]) =>
      emojiButton(emoji, words, react, { "aria-pressed": String(hasMine(message, emoji, state.me)) }),
    ),
    emojiButton("", "More emoji", more, { class: "emoji more-emoji" }),
  );
  quick.lastChild.append(icon("add"));
  const items = [
    item("reply", "Reply", () => reply(message)),
    item("copy", "Copy text", () => copy(message.content)),
    isMine && item("compose", "Edit", () => edit(message)),
    item("info", "Details", () => openMessageInfo(message, model, state)),
    !isMine && item("flag", "Report…", () => openReport({ message }, actions)),
    mayErase && item("trash", "Delete", () => erase(message, actions), "danger"),
  ];
  const node = h(
    "div",
    { class: "message-menu", role: "group", "aria-label": "Message" },
    quick,
    h("div", { class: "menu-list" }, items),
  );
  const close = showPopover(withArrowKeys(node), where);
  node.querySelector("button").focus();

  function item(drawing, label, act, kind = "") {
    const onclick = () => {
      close();
      act();
    };
    return h("button", { type: "button", class: kind, onclick }, icon(drawing), label);
  }

  function more() {
    close();
    openEmojiPicker(where, (emoji) => reactTo(message, emoji, state.me, actions));
  }
}

/** Add one's reaction, or take it back. */
export const reactTo = (message, emoji, me, actions) =>
  attempt(() => actions.react(message.id, emoji, !hasMine(message, emoji, me)));

const hasMine = ({ reactions }, emoji, me) =>
  (reactions ?? []).some((one) => one.emoji === emoji && one.users.includes(me.id));

const erase = (message, actions) =>
  confirmDialog("Delete this message for everyone?", "Delete", () =>
    attempt(() => actions.erase(message.id)),
  );

async function copy(content) {
  try {
    await navigator.clipboard.writeText(content);
    toast("Copied.");
  } catch {
    toast("The browser does not allow copying here.");
  }
}
