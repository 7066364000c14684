import { h, text } from "../dom.js";

/** "Grace is typing", or null. */
export function typingWords(state, model, nameOf) {
  const names = typists(state, model.room.id).map(({ userId, username }) => {
    const known = nameOf(userId);
    return known === "somebody" ? username : known;
  });
  if (!names.length) return null;
  if (model.room.kind === "direct") return "typing…";
  if (names.length > 2) return `${names.length} people are typing…`;
  return `${names.join(" and ")} ${names.length > 1 ? "are" : "is"} typing…`;
}

/** The bubble in which three dots say that somebody is writing. */
export function typingView() {
  const words = h("span", { class: "unseen" });
  const dots = [1, 2, 3].map(() => h("i", {}));
  const node = h("div", { class: "typing", hidden: true, role: "status" }, words, dots);
  const render = (said) => {
    node.hidden = !said;
    text(words, said ?? "");
  };
  return { node, render };
}

const typists = ({ typing, blocks }, roomId) =>
  (typing.get(roomId) ?? []).filter(({ userId }) => !blocks.has(userId));
