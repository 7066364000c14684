import { fill, h } from "../dom.js";
import { whenOf } from "../format.js";
import { searcher } from "./search.js";
import { attempt } from "./toast.js";
import { marked } from "./words.js";

const WORD = /[\p{L}\p{N}]/u;

/**
 * Messages with certain words, newest first, page by page; one that is picked is gone to.
 *
 * @param {{find: (text: string, before?: string) => Promise<{messages: object[],
 *   hasMore: boolean}>, open: (message: object) => void, titleFor: (roomId: string) => string,
 *   says?: string}} parts
 */
export function foundMessages({ find, open, titleFor, says = "" }) {
  let wanted = "";
  const title = h("h2", {}, "Messages");
  const list = h("ul", { class: "found-messages", "aria-label": "Messages found" });
  const more = h("div", { class: "more" });
  const hint = h("p", { class: "hint", role: "status" }, says);
  const node = h("div", { class: "messages-found" }, title, list, more, hint);
  const look = searcher(
    (text) => (WORD.test(text) ? find(text) : Promise.resolve({ messages: [], hasMore: false })),
    (page) => {
      fill(list);
      show(page);
    },
  );
  hideEmpty();

  function search(text) {
    wanted = text;
    if (!text) fill(list);
    look(text);
    hideEmpty();
  }

  function show({ messages, hasMore, next: place }) {
    list.append(...messages.map((message) => h("li", {}, line(message))));
    const next = () => attempt(async () => show(await find(wanted, place ?? messages.at(-1).id)));
    const button = h("button", { type: "button", class: "quiet", onclick: next }, "Show more");
    fill(more, hasMore && button);
    hideEmpty();
  }

  function hideEmpty() {
    const isEmpty = !list.children.length;
    title.hidden = isEmpty;
    if (isEmpty) fill(more);
    fill(hint, isEmpty ? (wanted && says ? "Nothing found." : says) : "");
    hint.hidden = !hint.textContent;
  }

  function line(message) {
    const { roomId, sender, content, createdAt } = message;
    const room = titleFor(roomId);
    return h(
      "button",
      { type: "button", class: "found-message", onclick: () => open(message) },
      h(
        "span",
        { class: "found-head" },
        h("span", { class: "line-title" }, room || sender.displayName),
        h("time", { class: "room-when" }, whenOf(createdAt)),
      ),
      h("span", { class: "found-words" }, room && `${sender.displayName}: `, marked(content, wanted)),
    );
  }

  return { node, search };
}
