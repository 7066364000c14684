import { fill, h, icon, reconcile } from "../dom.js";
import { titleOf } from "../room.js";
import { roomsByActivity } from "../store.js";
import { personLine } from "./avatar.js";
import { foundMessages } from "./foundmessages.js";
import { roomRow } from "./roomrow.js";
import { searcher } from "./search.js";
import { attempt } from "./toast.js";

/**
 * The rooms, newest activity first, under a field that narrows them and finds people and
 * messages.
 *
 * @param {{users: (text: string) => Promise<object[]>, openRoom: (roomId: string) => void,
 *   startDirect: (user: object) => Promise<void>, findMessages: Function, reveal: Function}} actions
 */
export function roomListView(actions) {
  let state;
  const input = h("input", {
    type: "search",
    placeholder: "Search",
    "aria-label": "Search chats and people",
    autocomplete: "off",
    oninput: () => search(),
    onkeydown: (event) => event.key === "Escape" && clear(),
  });
  const list = h("ul", { class: "rooms", "aria-label": "Chats" });
  const people = h("div", { class: "people-found" });
  const empty = h("div", { class: "list-empty" });
  const found = foundMessages({
    find: (text, before) => actions.findMessages(text, { before }),
    open: ({ roomId, id, seq }) => attempt(() => actions.reveal(roomId, id, seq)),
    titleFor: (roomId) => titleIn(state, roomId),
  });
  const scroller = h("div", { class: "room-scroller" }, list, empty, people, found.node);
  const find = searcher(
    (wanted) => (wanted ? actions.users(wanted) : Promise.resolve([])),
    (users) => showPeople(users.filter(({ id }) => id !== state.me?.id)),
  );

  function search() {
    const wanted = input.value.trim();
    find(wanted);
    found.search(wanted);
    if (!wanted) fill(people);
    render(state);
  }

  function clear() {
    input.value = "";
    search();
  }

  function showPeople(users) {
    if (!input.value.trim()) return;
    const start = (user) => attempt(() => actions.startDirect(user).then(clear));
    const lines = users.map((user) => h("li", {}, personButton(user, () => start(user))));
    const some = lines.length ? h("ul", {}, lines) : h("p", { class: "hint" }, "Nobody found.");
    fill(people, h("h2", {}, "People"), some);
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

const personButton = (user, onclick) =>
  h("button", { type: "button", class: "line", onclick }, personLine(user));

function titleIn({ rooms, me }, roomId) {
  const model = rooms.get(roomId);
  return model ? titleOf(model.room, me) : "";
}

const noRooms = () => [
  h("p", { class: "empty-title" }, "No chats yet"),
  h("p", {}, "Search for somebody above, make a group, or join a public room."),
];
