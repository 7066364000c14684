import { h, text } from "../dom.js";
import { momentOf } from "../format.js";

/** A day separator. */
export function dayRow() {
  const label = h("span", {});
  const node = h("li", { class: "day" }, label);
  return { node, update: (row) => text(label, row.label) };
}

/** Where what is unread begins. */
export function unreadRow() {
  const node = h("li", { class: "unread-line" }, h("span", {}, "New messages"));
  return { node, update: () => null };
}

/** What happened in the room. */
export function systemRow() {
  const label = h("span", {});
  const node = h("li", { class: "system" }, label);
  const update = ({ content, at, seq }) => {
    text(label, content);
    label.title = momentOf(at);
    node.dataset.seq = seq;
  };
  return { node, update };
}
