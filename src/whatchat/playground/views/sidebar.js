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
  const me = h(
    "button",
    { type: "button", class: "about", "aria-label": "Your profile", onclick: actions.openSettings },
    h("span", { class: "me-badge" }, disc, dot),
    h("span", { class: "line-text" }, name, username),
  );
  const header = h(
    "header",
    { class: "bar" },
    me,
    iconButton("globe", "Public rooms", actions.browsePublic),
    iconButton("group", "New group", actions.newGroup),
    iconButton("settings", "Settings", actions.openSettings),
  );

  function render(state) {
    const { me: own, link } = state;
    const drawn = `${own.id} ${own.displayName}`;
    if (disc.dataset.drawn !== drawn) {
      disc.dataset.drawn = drawn;
      fill(disc, avatar(own.id, own.displayName, "medium"));
    }
    text(name, own.displayName);
    text(username, `@${own.username}`);
    attribute(dot, "data-link", link);
    attribute(dot, "title", link);
    rooms.render(state);
  }

  const node = h("nav", { class: "sidebar", "aria-label": "Chats" }, header, rooms.node);
  return { node, render, focusSearch: rooms.focus };
}
