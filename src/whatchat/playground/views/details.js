import { fill, h, icon, iconButton } from "../dom.js";
import { count } from "../format.js";
import { isAdmin, partnerOf, titleOf } from "../room.js";
import { personLine, publicMark, roomAvatar } from "./avatar.js";
import { confirmDialog, openDialog } from "./dialog.js";
import { peoplePicker } from "./people.js";
import { attempt } from "./toast.js";

/**
 * The panel about the open room: who is in it, and what may be done about that.
 *
 * @param {{closeDetails: () => void, users: Function, members: Function, addMembers: Function,
 *   removeMember: Function, setAdmin: Function, leave: Function}} actions
 */
export function detailsView(actions) {
  let shown;
  const body = h("div", { class: "details-body" });
  const node = h(
    "aside",
    { class: "details", "aria-label": "About this chat" },
    h(
      "header",
      { class: "bar" },
      h("h2", {}, "About"),
      iconButton("close", "Close", actions.closeDetails),
    ),
    body,
  );

  function render(state, { room }) {
    if (room === shown) return;
    shown = room;
    fill(body, head(room, state.me), room.kind === "group" && group(room, state.me));
  }

  function group(room, me) {
    const list = h("ul", { class: "members", "aria-label": "Members" });
    const more = h("div", { class: "more" });
    const show = (members) => list.append(...members.map((member) => memberLine(member, room, me)));
    if (room.participants.length < room.participantCount) showPages(room, show, more);
    else show(room.participants.toSorted(adminsFirst));
    const add = () => openAdd(room);
    const leave = () =>
      confirmDialog("Leave this group?", "Leave", () => attempt(() => actions.leave(room.id)));
    return [
      h("h3", {}, count(room.participantCount, "member")),
      isAdmin(room, me) && wide("add", "Add people", add),
      list,
      more,
      wide("leave", "Leave group", leave, "danger"),
    ];
  }

  async function showPages(room, show, more, after) {
    const page = await attempt(() => actions.members(room.id, after));
    if (!page) return;
    show(page.members);
    const onclick = () => showPages(room, show, more, page.next);
    fill(more, page.next && h("button", { type: "button", class: "quiet", onclick }, "Show more"));
  }

  function memberLine({ user, role }, room, me) {
    const isMe = user.id === me.id;
    const tag = role === "admin" && h("span", { class: "tag" }, "admin");
    const menu = isAdmin(room, me) && !isMe && memberMenu(room, user, role);
    return h(
      "li",
      { class: "line", "data-user": user.username },
      personLine(user, { note: isMe ? "you" : "", extras: [tag, menu] }),
    );
  }

  function memberMenu(room, user, role) {
    const promote = role !== "admin";
    const toggle = () => attempt(() => actions.setAdmin(room.id, user.id, promote));
    const remove = () =>
      confirmDialog(`Remove ${user.displayName}?`, "Remove", () =>
        attempt(() => actions.removeMember(room.id, user.id)),
      );
    const item = (label, onclick) => h("button", { type: "button", onclick }, label);
    const menu = h(
      "details",
      {
        class: "menu",
        onfocusout: ({ relatedTarget }) => menu.contains(relatedTarget) || (menu.open = false),
      },
      h(
        "summary",
        { "aria-label": `Actions for ${user.displayName}`, class: "icon-button" },
        icon("more"),
      ),
      h(
        "div",
        { class: "menu-items" },
        item(promote ? "Make admin" : "Dismiss as admin", toggle),
        item("Remove", remove),
      ),
    );
    return menu;
  }

  function openAdd(room) {
    openDialog("Add people", (close) => {
      const inside = new Set(room.participants.map(({ user }) => user.id));
      const picker = peoplePicker(actions.users, ({ id }) => inside.has(id));
      const add = () =>
        attempt(async () => {
          if (picker.userIds().length) await actions.addMembers(room.id, picker.userIds());
          close();
        });
      return [
        picker.node,
        h("button", { type: "button", class: "primary wide", onclick: add }, "Add"),
      ];
    });
  }

  return { node, render };
}

function head(room, me) {
  const isDirect = room.kind === "direct";
  const note = isDirect ? `@${partnerOf(room, me).username}` : room.description;
  return h(
    "div",
    { class: "details-head" },
    roomAvatar(room, me, "large"),
    h("p", { class: "details-title" }, titleOf(room, me), !room.settings.isPrivate && publicMark()),
    note && h("p", { class: "details-note" }, note),
  );
}

const wide = (drawing, label, onclick, kind = "") =>
  h("button", { type: "button", class: `wide-line ${kind}`.trim(), onclick }, icon(drawing), label);

const adminsFirst = (a, b) =>
  a.role.localeCompare(b.role) || a.user.displayName.localeCompare(b.user.displayName);
