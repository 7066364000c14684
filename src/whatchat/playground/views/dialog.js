import { h, iconButton } from "../dom.js";

/**
 * Show a dialog until it is closed.
 *
 * @param {string} title
 * @param {(close: () => void) => Node[]} content
 */
export function openDialog(title, content) {
  const close = () => node.close();
  const node = h(
    "dialog",
    { class: "dialog", "aria-label": title, onclose: () => node.remove() },
    h("header", { class: "bar" }, h("h2", {}, title), iconButton("close", "Close", close)),
    h("div", { class: "dialog-body" }, content(close)),
  );
  node.addEventListener("click", ({ target }) => target === node && close());
  document.body.append(node);
  node.showModal();
}

/** Ask before something that cannot be taken back; `note` says what it means. */
export function confirmDialog(question, deed, act, note = "") {
  openDialog(question, (close) => {
    const go = () => {
      close();
      act();
    };
    return [
      note && h("p", {}, note),
      h(
        "div",
        { class: "choices" },
        h("button", { type: "button", class: "quiet", onclick: close }, "Cancel"),
        h("button", { type: "button", class: "primary danger", onclick: go }, deed),
      ),
    ];
  });
}
