import { attribute, h, icon } from "../dom.js";
import { toast } from "./toast.js";

const MAX_BYTES = 16_384;

/**
 * Where messages are written: Enter sends, Shift+Enter breaks the line. Each room keeps
 * its draft while the page is open.
 *
 * @param {(roomId: string, content: string) => void} write
 */
export function composerView(write) {
  const drafts = new Map();
  let roomId = null;
  const input = h("textarea", {
    rows: "1",
    placeholder: "Message",
    "aria-label": "Message",
    enterkeyhint: "send",
    oninput: () => fit(),
    onkeydown: (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      send();
    },
  });
  const button = h(
    "button",
    { type: "submit", class: "send", "aria-label": "Send", title: "Send" },
    icon("send"),
  );
  const node = h(
    "form",
    {
      class: "composer",
      onsubmit: (event) => {
        event.preventDefault();
        send();
      },
    },
    input,
    button,
  );

  function fit() {
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
    attribute(button, "data-ready", input.value.trim() !== "");
    drafts.set(roomId, input.value);
  }

  function send() {
    const content = input.value.trim();
    if (!content) return;
    if (new TextEncoder().encode(content).length > MAX_BYTES) {
      toast("This message is too long.");
      return;
    }
    input.value = "";
    fit();
    write(roomId, content);
    input.focus();
  }

  /** Show another room's draft. */
  function open(id) {
    if (id === roomId) return;
    roomId = id;
    input.value = drafts.get(id) ?? "";
    fit();
    if (matchMedia("(pointer: fine)").matches) input.focus();
  }

  return { node, open };
}
