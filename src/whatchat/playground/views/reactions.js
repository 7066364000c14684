import { fill, h } from "../dom.js";
import { wordsFor } from "../emoji.js";

/**
 * Who reacted to a message with what; a click on one adds one's own or takes it back.
 *
 * @param {(emoji: string, isOn: boolean) => void} react
 */
export function reactionsView(react) {
  const node = h("div", { class: "reactions", role: "group", "aria-label": "Reactions" });

  function render(reactions, me, nameOf) {
    node.hidden = !reactions?.length;
    fill(
      node,
      (reactions ?? []).map(({ emoji, users }) => {
        const isMine = users.includes(me.id);
        const names = users.map((id) => (id === me.id ? "You" : nameOf(id))).join(", ");
        const props = {
          type: "button",
          class: "reaction",
          "aria-pressed": String(isMine),
          "aria-label": `${wordsFor(emoji)}, ${users.length}: ${names}`,
          title: names,
          onclick: () => react(emoji, !isMine),
        };
        return h("button", props, emoji, users.length > 1 && h("span", {}, String(users.length)));
      }),
    );
  }

  return { node, render };
}
