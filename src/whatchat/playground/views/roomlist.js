import { attribute, fill, h, icon, reconcile, text } from "../dom.js";
import { whenOf } from "../format.js";
import { activityOf, titleOf } from "../room.js";
import { roomsByActivity } from "../store.js";
import { avatar, personLine, publicMark, updateRoomAvatar } from "./avatar.js";
import { searcher } from "./search.js";
import { attempt } from "./toast.js";

const MOST_SHOWN = 99;

/**
 * The rooms, newest activity first, under a field that narrows them and finds people.
 *
 * @param {{users: (text: string) => Promise<object[]>, openRoom: (roomId: string) => void,
 *   startDirect: (user: object) => Promise<void>}} actions
 */
export function roomListView(actions) {
  let state;
  const input = h("input", {
    type: "search",
    placeholder: "Search chats and people",
    "aria-label": "Search chats and people",
    autocomplete: "off",
    oninput: () => search(),
    onkeydown: ({ key }) => key === "Escape" && clear(),
  });
  const list = h("ul", { class: "rooms", "aria-label": "Chats" });
  const people = h("div", { class: "people-found" });
  const empty = h("div", { class: "list-empty" });
  const scroller = h("div", { class: "room-scroller" }, list, empty, people);
  const find = searcher(
    (wanted) => (wanted ? actions.users(wanted) : Promise.resolve([])),
    (users) => showPeople(users.filter(({ id }) => id !== state.me?.id)),
  );

  function search() {
    find(input.value.trim());
    if (!input.value.trim()) fill(people);
    render(state);
  }

  function clear() {
    input.value = "";
    search();
  }

  function showPeople(users) {
    if (!input.value.trim()) return;
    const start = (user) => attempt(() => actions.startDirect(user).then(clear));
    const lines = users.map((user) =>
      h(
        "li",
        {},
        h(
          "button",
          { type: "button", class: "line", onclick: () => start(user) },
          personLine(user),
        ),
      ),
    );
    const found = lines.length ? h("ul", {}, lines) : h("p", { class: "hint" }, "Nobody found.");
    fill(people, h("h2", {}, "People"), found);
  }

  function render(next) {
    state = next;
    const wanted = input.value.trim().toLowerCase();
    const shown = roomsByActivity(state).filter(({ room }) =>
      titleOf(room, state.me).toLowerCase().includes(wanted),
    );
    const items = shown.map((model) => ({ key: model.room.id, model, state }));
    reconcile(list, items, () => roomRow(actions.openRoom));
    empty.hidden = shown.length > 0 || wanted !== "";
    fill(empty, state.listed ? noRooms() : h("span", { class: "spinner" }));
  }

  const field = h("label", { class: "search" }, icon("search"), input);
  return {
    node: h("div", { class: "room-list" }, field, scroller),
    render,
    focus: () => input.focus(),
  };
}

function roomRow(openRoom) {
  let roomId;
  const disc = avatar("", "");
  const title = h("span", { class: "room-title" });
  const mark = publicMark();
  const when = h("time", { class: "room-when" });
  const preview = h("span", { class: "room-preview" });
  const badge = h("span", { class: "badge" });
  const button = h(
    "button",
    { type: "button", class: "room-row", onclick: () => openRoom(roomId) },
    disc,
    h("span", { class: "room-line" }, h("span", { class: "room-name" }, title, mark), when),
    h("span", { class: "room-line" }, preview, badge),
  );

  function update({ model, state }) {
    const { room, unread } = model;
    roomId = room.id;
    updateRoomAvatar(disc, room, state.me);
    text(title, titleOf(room, state.me));
    mark.hidden = room.settings.isPrivate;
    text(when, whenOf(activityOf(model)));
    text(preview, previewOf(model, state.me));
    badge.hidden = unread === 0;
    text(badge, unread > MOST_SHOWN ? `${MOST_SHOWN}+` : String(unread));
    attribute(badge, "aria-label", `${unread} unread`);
    attribute(button, "aria-current", state.openRoomId === room.id ? "page" : null);
  }

  return { node: h("li", {}, button), update };
}

function previewOf({ room, lastMessage }, me) {
  if (!lastMessage) return room.kind === "direct" ? "Say hello" : "No messages yet";
  const said = lastMessage.deletedAt ? "Message deleted" : lastMessage.content;
  if (lastMessage.sender.id === me.id) return `You: ${said}`;
  return room.kind === "direct" ? said : `${lastMessage.sender.displayName}: ${said}`;
}

const noRooms = () => [
  h("p", { class: "empty-title" }, "No chats yet"),
  h("p", {}, "Search for somebody above, make a group, or join a public room."),
];
