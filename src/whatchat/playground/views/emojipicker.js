import { h } from "../dom.js";
import { EMOJI } from "../emoji.js";
import { showPopover, withArrowKeys } from "./popover.js";

const COLUMNS = 8;

/** Let one emoji be picked. */
export function openEmojiPicker({ anchor, point }, pick) {
  const grid = withArrowKeys(h("div", { class: "emoji-grid" }), COLUMNS);
  grid.append(...EMOJI.map(([emoji, words]) => emojiButton(emoji, words, choose)));
  const node = h("div", { class: "emoji-picker", role: "dialog", "aria-label": "Pick an emoji" });
  node.append(grid);
  const close = showPopover(node, { anchor, point });
  grid.firstChild.focus();

  function choose(emoji) {
    close();
    pick(emoji);
  }
}

/** A button that is an emoji. */
export const emojiButton = (emoji, words, choose, props = {}) =>
  h(
    "button",
    {
      type: "button",
      class: "emoji",
      "aria-label": words,
      title: words,
      onclick: () => choose(emoji),
      ...props,
    },
    emoji,
  );
