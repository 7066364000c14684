import { fill, h, iconButton } from "../dom.js";
import { personLine } from "./avatar.js";
import { searcher } from "./search.js";

/**
 * Picks people by searching for them.
 *
 * @param {(text: string) => Promise<object[]>} users
 * @param {(user: object) => boolean} isExcluded
 */
export function peoplePicker(users, isExcluded) {
  const picked = new Map();
  const chips = h("div", { class: "chips" });
  const found = h("ul", { class: "found" });
  const input = h("input", {
    type: "search",
    placeholder: "Search people",
    "aria-label": "Search people",
    autocomplete: "off",
    oninput: () => search(input.value.trim()),
    // Enter would submit the form around this field.
    onkeydown: (event) => event.key === "Enter" && event.preventDefault(),
  });
  const search = searcher((text) => (text ? users(text) : Promise.resolve([])), show);

  function show(people) {
    const offered = people.filter((user) => !picked.has(user.id) && !isExcluded(user));
    const none =
      input.value.trim() && !offered.length && h("li", { class: "hint" }, "Nobody found.");
    const line = (user) =>
      h(
        "li",
        {},
        h("button", { type: "button", class: "line", onclick: () => pick(user) }, personLine(user)),
      );
    fill(found, offered.map(line), none);
  }

  function pick(user) {
    picked.set(user.id, user);
    input.value = "";
    fill(found);
    showPicked();
    input.focus();
  }

  function drop(user) {
    picked.delete(user.id);
    showPicked();
  }

  function showPicked() {
    const chip = (user) => {
      const remove = iconButton("close", `Leave out ${user.displayName}`, () => drop(user));
      return h("span", { class: "chip" }, user.displayName, remove);
    };
    fill(chips, [...picked.values()].map(chip));
  }

  return {
    node: h("div", { class: "picker" }, chips, input, found),
    userIds: () => [...picked.keys()],
  };
}
