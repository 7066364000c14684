import { attribute, h, icon, text } from "../dom.js";
import { hueOf, initialsOf } from "../format.js";
import { partnerOf, titleOf } from "../room.js";

/** A disc with initials, in the colour that belongs to `id`. */
export function avatar(id, name, size = "") {
  return h("span", { class: avatarClass(id, size), "aria-hidden": "true" }, initialsOf(name));
}

/** A room's disc: the other person's in a direct room. */
export function roomAvatar(room, me, size) {
  const id = room.kind === "direct" ? partnerOf(room, me).id : room.id;
  return avatar(id, titleOf(room, me), size);
}

/** Make `node` another room's disc. */
export function updateRoomAvatar(node, room, me, size) {
  const id = room.kind === "direct" ? partnerOf(room, me).id : room.id;
  attribute(node, "class", avatarClass(id, size));
  text(node, initialsOf(titleOf(room, me)));
}

/**
 * A person as a line: disc, name, username, then `extras`; `note` goes with the name, `dot`
 * with the disc.
 */
export function personLine(user, { note = "", extras = [], dot = null } = {}) {
  return [
    h("span", { class: "disc" }, avatar(user.id, user.displayName, "small"), dot),
    h(
      "span",
      { class: "line-text" },
      h("span", { class: "line-title" }, user.displayName, note && h("small", {}, ` ${note}`)),
      h("span", { class: "line-note" }, `@${user.username}`),
    ),
    ...extras,
  ];
}

/** The sign that a room is open to all. */
export const publicMark = () => h("span", { class: "mark", title: "Public" }, icon("globe"));

const avatarClass = (id, size) => `avatar hue-${hueOf(id)} ${size ?? ""}`.trim();
