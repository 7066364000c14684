import { attribute, h, text } from "../dom.js";

const WORDS = { connecting: "Connecting…", reconnecting: "Reconnecting…", online: "" };

/** The note that floats above the page while there is no connection. */
export function bannerView() {
  const words = h("span", {});
  const node = h(
    "div",
    { class: "banner", role: "status" },
    h("span", { class: "spinner", "aria-hidden": "true" }),
    words,
  );
  const render = ({ link }) => {
    attribute(node, "data-link", link);
    text(words, WORDS[link]);
  };
  return { node, render };
}
