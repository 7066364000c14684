import { fill, h, iconButton, text } from "../dom.js";
import { count, spanOf } from "../format.js";
import { isAdmin, partnerOf, titleOf } from "../room.js";
import { publicMark, roomAvatar } from "./avatar.js";
import { confirmDialog } from "./dialog.js";
import { disappearChooser, spanChosen } from "./disappearing.js";
import { toggle } from "./fields.js";
import { openGroupSettings } from "./groupsettings.js";
import { membersView } from "./members.js";
import { presenceWords } from "./presence.js";
import { openReport } from "./report.js";
import { attempt } from "./toast.js";
import { wideButton } from "./widebutton.js";

/**
 * The panel about the open room: who is in it, and what may be done about that.
 *
 * @param {{closeDetails: () => void, users: Function, members: Function, addMembers: Function,
 *   removeMember: Function, setAdmin: Function, leave: Function, block: Function,
 *   unblock: Function, updateRoom: Function}} actions
 */
export function detailsView(actions) {
  let shown = {};
  let members = null;
  const body = h("div", { class: "details-body" });
  const there = h("p", { class: "details-note" });
  const node = h(
    "aside",
    {
      class: "details",
      "aria-label": "About this chat",
      onkeydown: (event) => event.key === "Escape" && actions.closeDetails(),
    },
    h(
      "header",
      { class: "bar" },
      h("h2", {}, "About"),
      iconButton("close", "Close", actions.closeDetails),
    ),
    body,
  );

  function render(state, { room }) {
    const isNew = room !== shown.room || state.blocks !== shown.blocks || state.me !== shown.me;
    if (isNew) draw(state, room);
    shown = { room, blocks: state.blocks, me: state.me };
    if (room.kind === "direct") text(there, presenceWords(state, partnerOf(room, state.me).id) ?? "");
    else members.render(state);
  }

  function draw(state, room) {
    const isDirect = room.kind === "direct";
    members = isDirect ? null : membersView(room, state.me, actions);
    fill(
      body,
      head(room, state.me, isDirect && there),
      isDirect ? person(state, room) : group(room, state.me),
    );
  }

  function person(state, room) {
    const partner = partnerOf(room, state.me);
    if (state.blocks.has(partner.id)) {
      const lift = () => attempt(() => actions.unblock(partner));
      return [
        h("p", { class: "details-hint" }, "You do not see what this person writes."),
        wideButton("block", `Unblock ${partner.displayName}`, lift),
      ];
    }
    const block = () =>
      confirmDialog(
        `Block ${partner.displayName}?`,
        "Block",
        () => attempt(() => actions.block(partner)),
        "You will not see what they write to you here, now or later. They are not told.",
      );
    const report = () => openReport({ user: partner }, actions);
    return [
      behaviour(room),
      wideButton("flag", `Report ${partner.displayName}…`, report, "danger"),
      wideButton("block", `Block ${partner.displayName}`, block, "danger"),
    ];
  }

  /** What both people of a direct chat may decide; everybody is told of it by the room itself. */
  function behaviour({ id, settings }) {
    const change = (fields) =>
      attempt(() => actions.updateRoom(id, { settings: fields })).then((room) => room !== null);
    return h(
      "div",
      { class: "behaviour" },
      disappearChooser(settings.disappearAfterSeconds, (value) =>
        change({ disappearAfterSeconds: spanChosen(value) }),
      ),
      toggle(
        "Deliver only",
        "What is written is erased once both have it.",
        settings.deliverOnly,
        (isOn) => change({ deliverOnly: isOn }),
      ),
    );
  }

  function group(room, me) {
    const leave = () =>
      confirmDialog("Leave this group?", "Leave", () => attempt(() => actions.leave(room.id)));
    return [
      facts(room),
      isAdmin(room, me) &&
        wideButton("settings", "Group settings", () => openGroupSettings(room, actions)),
      members.node,
      wideButton("leave", "Leave group", leave, "danger"),
    ];
  }

  return { node, render };
}

function head(room, me, there) {
  const isDirect = room.kind === "direct";
  const note = isDirect ? `@${partnerOf(room, me).username}` : room.description;
  return h(
    "div",
    { class: "details-head" },
    roomAvatar(room, me, "large"),
    h("p", { class: "details-title" }, titleOf(room, me), !room.settings.isPrivate && publicMark()),
    note && h("p", { class: "details-note" }, note),
    there,
  );
}

/** How the group behaves, in words. */
function facts({ settings }) {
  const { isPrivate, maxParticipants, allowFileSharing, disappearAfterSeconds } = settings;
  const known = [
    ["Who can come in", isPrivate ? "whoever is added" : "anybody"],
    ["At most", count(maxParticipants, "member")],
    !allowFileSharing && ["Files", "not allowed"],
    disappearAfterSeconds && ["Messages disappear after", spanOf(disappearAfterSeconds)],
    settings.deliverOnly && ["Messages are kept", "until delivered"],
  ];
  const lines = known.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  return h("dl", { class: "facts" }, lines);
}
