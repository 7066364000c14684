import { h } from "../dom.js";
import { momentOf } from "../format.js";
import { audienceOf } from "../receipts.js";
import { namesIn } from "../room.js";
import { personLine } from "./avatar.js";
import { openDialog } from "./dialog.js";
import { ticks } from "./ticks.js";

/** Who has read a message, whom it has reached, and who reacted. */
export function openMessageInfo(message, model, state) {
  openDialog("Message details", () => [
    h("p", { class: "info-words" }, message.content),
    h("dl", { class: "facts" }, facts(message)),
    ...reactionLines(message, model, state),
    ...(message.sender.id === state.me.id ? readers(message, model) : []),
  ]);
}

function facts({ sender, createdAt, editedAt, expiresAt }) {
  const known = [
    ["From", sender.displayName],
    ["Sent", momentOf(createdAt)],
    editedAt && ["Edited", momentOf(editedAt)],
    expiresAt && ["Disappears", momentOf(expiresAt)],
  ];
  return known.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
}

function readers(message, model) {
  const { read, delivered, waiting } = audienceOf(model, message);
  return [
    ...peopleList("Read by", "read", read),
    ...peopleList("Delivered to", "delivered", delivered),
    ...peopleList("Not delivered yet", "sent", waiting),
  ];
}

const peopleList = (title, status, people) =>
  people.length
    ? [
        h("h3", { class: "info-title" }, ticks(status), ` ${title}`),
        h("ul", {}, people.map((user) => h("li", { class: "line" }, personLine(user)))),
      ]
    : [];

function reactionLines({ reactions }, model, state) {
  if (!reactions?.length) return [];
  const nameOf = namesIn(model);
  const lines = reactions.map(({ emoji, users }) =>
    h(
      "li",
      { class: "reaction-line" },
      h("span", { class: "emoji" }, emoji),
      users.map((id) => (id === state.me.id ? "You" : nameOf(id))).join(", "),
    ),
  );
  return [h("h3", { class: "info-title" }, "Reactions"), h("ul", {}, lines)];
}
