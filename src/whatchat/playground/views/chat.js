import { attribute, h, iconButton, text } from "../dom.js";
import { count } from "../format.js";
import { namesIn, partnerOf, titleOf } from "../room.js";
import { avatar, updateRoomAvatar } from "./avatar.js";
import { composerView } from "./composer.js";
import { disappearMark } from "./disappearing.js";
import { openEmojiPicker } from "./emojipicker.js";
import { openFind } from "./find.js";
import { openMessageInfo } from "./messageinfo.js";
import { openMessageMenu, reactTo } from "./messagemenu.js";
import { isThere, presenceDot, presenceWords, updateDot } from "./presence.js";
import { timelineView } from "./timeline.js";
import { attempt } from "./toast.js";
import { typingWords } from "./typing.js";

/** The open room: who it is with, what was said, and where to write. */
export function chatView(actions) {
  let shown = null;
  const composer = composerView({ ...actions, lastOwn: () => lastOwn(shown) });
  const timeline = timelineView(actions, rowTools(() => shown, actions, composer));
  const disc = avatar("", "", "medium");
  const dot = presenceDot();
  const title = h("span", { class: "line-title" });
  const note = h("span", { class: "line-note" });
  const span = disappearMark();
  const about = h(
    "button",
    { type: "button", class: "about", onclick: actions.toggleDetails },
    h("span", { class: "disc" }, disc, dot),
    h("span", { class: "line-text" }, title, h("span", { class: "note-line" }, span.node, note)),
  );
  const header = h(
    "header",
    { class: "bar" },
    iconButton("back", "Back to chats", actions.closeRoom, { class: "icon-button back" }),
    about,
    iconButton("search", "Search in this chat", () => openFind(shown.model, actions)),
    iconButton("info", "About this chat", actions.toggleDetails),
  );
  const node = h("section", { class: "chat" }, header, timeline.node, composer.node);

  function render(state, model) {
    shown = { state, model };
    const { room } = model;
    const isDirect = room.kind === "direct";
    updateRoomAvatar(disc, room, state.me, "medium");
    updateDot(dot, state, isDirect ? partnerOf(room, state.me).id : null);
    text(title, titleOf(room, state.me));
    const typing = typingWords(state, model, namesIn(model));
    text(note, typing ?? noteOf(model, state));
    span.render(room.settings);
    attribute(note, "data-typing", Boolean(typing));
    attribute(node, "aria-label", titleOf(room, state.me));
    composer.open(room, state);
    timeline.render(model, state);
  }

  return { node, render };
}

/** What the rows of the timeline offer. */
function rowTools(shown, actions, composer) {
  const around = () => ({ ...shown(), actions, reply: composer.reply, edit: composer.edit });
  const me = () => shown().state.me;
  return {
    me,
    nameOf: (userId) => namesIn(shown().model)(userId),
    retry: actions.retry,
    drop: actions.drop,
    reply: composer.reply,
    openMenu: (where, message) => openMessageMenu(where, message, around()),
    pickEmoji: (where, message) =>
      openEmojiPicker(where, (emoji) => reactTo(message, emoji, me(), actions)),
    react: (message, emoji, isOn) => attempt(() => actions.react(message.id, emoji, isOn)),
    showQuoted: (replyTo) => attempt(() => actions.reveal(shown().model.room.id, replyTo)),
    showInfo: (message) => openMessageInfo(message, shown().model, shown().state),
  };
}

/** What arrow up edits: one's latest message that still says something. */
function lastOwn({ model, state }) {
  return model.messages.findLast(
    ({ sender, deletedAt, messageType }) =>
      sender.id === state.me.id && !deletedAt && messageType === "text",
  );
}

function noteOf({ room }, state) {
  if (room.kind === "direct") {
    const { id, username } = partnerOf(room, state.me);
    if (state.blocks.has(id)) return "blocked";
    return presenceWords(state, id) ?? `@${username}`;
  }
  const online = room.participants.filter(({ user }) => isThere(state, user.id)).length;
  const parts = [
    count(room.participantCount, "member"),
    online > 0 && `${online} online`,
    !room.settings.isPrivate && "public",
  ];
  return parts.filter(Boolean).join(" · ");
}
