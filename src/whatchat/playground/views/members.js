import { fill, h, icon } from "../dom.js";
import { count } from "../format.js";
import { isAdmin } from "../room.js";
import { personLine } from "./avatar.js";
import { confirmDialog, openDialog } from "./dialog.js";
import { peoplePicker } from "./people.js";
import { presenceDot, presenceWords, updateDot } from "./presence.js";
import { attempt } from "./toast.js";
import { wideButton } from "./widebutton.js";

/** Who is in a group, who of them is there, and what an admin may do about them. */
export function membersView(room, me, actions) {
  const dots = new Map();
  let state = null;
  const list = h("ul", { class: "members", "aria-label": "Members" });
  const more = h("div", { class: "more" });
  const isWhole = room.participants.length >= room.participantCount;
  if (isWhole) show(room.participants.toSorted(adminsFirst));
  else showPages();

  function show(members) {
    list.append(...members.map(line));
    if (state) render(state);
  }

  async function showPages(after) {
    const page = await attempt(() => actions.members(room.id, after));
    if (!page) return;
    show(page.members);
    const onclick = () => showPages(page.next);
    fill(more, page.next && h("button", { type: "button", class: "quiet", onclick }, "Show more"));
  }

  function line({ user, role }) {
    const isMe = user.id === me.id;
    const dot = presenceDot();
    if (!isMe) dots.set(user.id, dot);
    const tag = role === "admin" && h("span", { class: "tag" }, "admin");
    const menu = !isMe && memberMenu(user, role);
    return h(
      "li",
      { class: "line", "data-user": user.username },
      personLine(user, { note: isMe ? "you" : "", extras: [tag, menu], dot }),
    );
  }

  function memberMenu(user, role) {
    const item = (label, onclick) => h("button", { type: "button", onclick }, label);
    const promote = role !== "admin";
    const remove = () =>
      confirmDialog(`Remove ${user.displayName}?`, "Remove", () =>
        attempt(() => actions.removeMember(room.id, user.id)),
      );
    const toggle = () => attempt(() => actions.setAdmin(room.id, user.id, promote));
    return disclosure(`Actions for ${user.displayName}`, [
      item("Message", () => attempt(() => actions.startDirect(user))),
      isAdmin(room, me) && item(promote ? "Make admin" : "Dismiss as admin", toggle),
      isAdmin(room, me) && item("Remove", remove),
    ]);
  }

  /** Show who is there. */
  function render(next) {
    state = next;
    for (const [userId, dot] of dots) {
      updateDot(dot, state, userId);
      dot.parentElement?.setAttribute("title", presenceWords(state, userId) ?? "");
    }
  }

  const add = () => openAdd(room, actions);
  const node = h(
    "section",
    { class: "members-section" },
    h("h3", {}, count(room.participantCount, "member")),
    isAdmin(room, me) && wideButton("add", "Add people", add),
    list,
    more,
  );
  return { node, render };
}

function disclosure(label, items) {
  const menu = h(
    "details",
    {
      class: "menu",
      onfocusout: ({ relatedTarget }) => menu.contains(relatedTarget) || (menu.open = false),
    },
    h("summary", { "aria-label": label, class: "icon-button" }, icon("more")),
    h("div", { class: "menu-items" }, items),
  );
  return menu;
}

function openAdd(room, actions) {
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

const adminsFirst = (a, b) =>
  a.role.localeCompare(b.role) || a.user.displayName.localeCompare(b.user.displayName);
