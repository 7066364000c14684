import { attribute, fill, h, iconButton, text } from "../dom.js";
import { avatar } from "./avatar.js";
import { roomListView } from "./roomlist.js";

/** The column with oneself, what can be started, and the rooms. */
export function sidebarView(actions) {
  const rooms = roomListView(actions);
  const disc = h("span", { class: "me-disc" });
  const dot = h("span", { class: "link-dot" });
  const name = h("span", { class: "line-title" });
  const username = h("span", { class: "line-note" });
  const header = h(
    "header",
    { class: "bar" },
    h("span", { class: "me-badge" }, disc, dot),
    h("span", { class: "line-text" }, name, username),
    iconButton("globe", "Public rooms", actions.browsePublic),
    iconButton("group", "New group", actions.newGroup),
    iconButton("leave", "Sign out", actions.signOut),
  );

  function render(state) {
    const { me, link } = state;
    if (disc.dataset.id !== me.id) {
      disc.dataset.id = me.id;
      fill(disc, avatar(me.id, me.displayName, "medium"));
    }
    text(name, me.displayName);
    text(username, `@${me.username}`);
    attribute(dot, "data-link", link);
    attribute(dot, "title", link);
    rooms.render(state);
  }

  const node = h("nav", { class: "sidebar", "aria-label": "Chats" }, header, rooms.node);
  return { node, render, focusSearch: rooms.focus };
}
