import { h } from "../dom.js";
import { openDialog } from "./dialog.js";
import { foundMessages } from "./foundmessages.js";
import { attempt } from "./toast.js";

/** The dialog that searches one chat. */
export function openFind({ room }, actions) {
  openDialog("Search in this chat", (close) => {
    const open = ({ id, seq }) => {
      close();
      attempt(() => actions.reveal(room.id, id, seq));
    };
    const found = foundMessages({
      find: (text, before) => actions.findMessages(text, { roomId: room.id, before }),
      open,
      titleFor: () => "",
      says: "Whole words, in any case.",
    });
    const input = h("input", {
      type: "search",
      placeholder: "Search messages",
      "aria-label": "Search messages",
      autocomplete: "off",
      oninput: () => found.search(input.value.trim()),
    });
    return [h("div", { class: "picker find" }, input, found.node)];
  });
}
