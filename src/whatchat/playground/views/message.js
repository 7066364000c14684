import { attribute, fill, h, icon, text } from "../dom.js";
import { hueOf, momentOf, timeOf } from "../format.js";
import { avatar } from "./avatar.js";

const STATUS = {
  sent: { drawing: "check", label: "Sent" },
  pending: { drawing: "clock", label: "Waiting to be sent" },
  failed: { drawing: "alert", label: "Not sent" },
};

/** A day separator. */
export function dayRow() {
  const label = h("span", {});
  const node = h("li", { class: "day" }, label);
  return { node, update: (row) => text(label, row.label) };
}

/**
 * One message; `update` touches only what changed.
 *
 * @param {object} first the row as `timelineOf` makes it
 * @param {(clientId: string) => void} retry
 */
export function messageRow(first, retry) {
  let shown = {};
  const { sender, isMine } = first;
  const name = h("span", { class: `sender hue-text-${hueOf(sender.id)}` });
  const words = h("span", { class: "words" });
  const meta = h("span", { class: "meta" });
  const refusal = h("button", {
    type: "button",
    class: "refusal",
    onclick: () => retry(shown.clientId),
  });
  const node = h(
    "li",
    { class: isMine ? "row mine" : "row" },
    !isMine && avatar(sender.id, sender.displayName, "tiny"),
    h("div", { class: "bubble" }, name, words, meta),
    refusal,
  );

  function update(row) {
    if (isSame(row, shown)) return;
    shown = row;
    attribute(node, "data-first", row.isFirst);
    attribute(node, "data-last", row.isLast);
    attribute(node, "data-status", row.status);
    attribute(node, "data-deleted", row.isDeleted);
    attribute(name, "class", senderClass(row));
    text(name, isMine ? "You" : sender.displayName);
    text(words, row.isDeleted ? "Message deleted" : row.content);
    fill(meta, row.isEdited && "edited ", stampOf(row), isMine && statusOf(row.status));
    refusal.hidden = row.status !== "failed";
    text(refusal, row.refusal ? `Not sent: ${row.refusal} Try again` : "");
  }

  return { node, update };
}

const senderClass = ({ isNamed, sender }) =>
  isNamed ? `sender hue-text-${hueOf(sender.id)}` : "sender unseen";

const stampOf = ({ at }) => h("time", { datetime: at, title: momentOf(at) }, timeOf(at));

function statusOf(status) {
  const { drawing, label } = STATUS[status];
  return h(
    "span",
    { class: "status", role: "img", "aria-label": label, title: label },
    icon(drawing),
  );
}

const isSame = (row, shown) => Object.keys(row).every((name) => row[name] === shown[name]);
