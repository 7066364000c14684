import { attribute, h, iconButton, text } from "../dom.js";
import { count } from "../format.js";
import { partnerOf, titleOf } from "../room.js";
import { avatar, updateRoomAvatar } from "./avatar.js";
import { composerView } from "./composer.js";
import { timelineView } from "./timeline.js";

/** The open room: who it is with, what was said, and where to write. */
export function chatView(actions) {
  const timeline = timelineView(actions);
  const composer = composerView(actions.write);
  const disc = avatar("", "", "medium");
  const title = h("span", { class: "line-title" });
  const note = h("span", { class: "line-note" });
  const about = h(
    "button",
    {
      type: "button",
      class: "about",
      onclick: actions.toggleDetails,
    },
    disc,
    h("span", { class: "line-text" }, title, note),
  );
  const header = h(
    "header",
    { class: "bar" },
    iconButton("back", "Back to chats", actions.closeRoom, { class: "icon-button back" }),
    about,
    iconButton("info", "About this chat", actions.toggleDetails),
  );
  const node = h("section", { class: "chat" }, header, timeline.node, composer.node);

  function render(state, model) {
    const { room } = model;
    updateRoomAvatar(disc, room, state.me, "medium");
    text(title, titleOf(room, state.me));
    text(note, noteOf(room, state.me));
    attribute(node, "aria-label", titleOf(room, state.me));
    composer.open(room.id);
    timeline.render(model, state);
  }

  return { node, render };
}

function noteOf(room, me) {
  if (room.kind === "direct") return `@${partnerOf(room, me).username}`;
  const people = count(room.participantCount, "member");
  return room.settings.isPrivate ? people : `${people} · public`;
}
