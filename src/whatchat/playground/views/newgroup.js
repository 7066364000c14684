import { fill, h } from "../dom.js";
import { openDialog } from "./dialog.js";
import { peoplePicker } from "./people.js";

/**
 * The dialog that makes a group.
 *
 * @param {{me: object, users: (text: string) => Promise<object[]>,
 *   create: (fields: object) => Promise<void>}} parts
 */
export function openNewGroup({ me, users, create }) {
  openDialog("New group", (close) => {
    const picker = peoplePicker(users, ({ id }) => id === me.id);
    const name = h("input", { id: "group-name", name: "name", required: true, maxlength: 100 });
    const about = h("input", { id: "group-about", name: "about", maxlength: 500 });
    const problem = h("p", { class: "problem", role: "alert" });
    const submit = h("button", { type: "submit", class: "primary wide" }, "Create group");

    async function send(event) {
      event.preventDefault();
      submit.disabled = true;
      const isPrivate = event.target.elements.visibility.value === "private";
      const fields = { name: name.value.trim(), participants: picker.userIds() };
      try {
        await create({ ...fields, description: about.value.trim(), settings: { isPrivate } });
        close();
      } catch (error) {
        fill(problem, error.message);
      }
      submit.disabled = false;
    }

    const form = h(
      "form",
      { onsubmit: send },
      labelled("Name", name),
      labelled("Description", about, "optional"),
      h("div", { class: "field" }, h("span", { class: "caption" }, "People"), picker.node),
      visibilityChoice(),
      problem,
      submit,
    );
    return [form];
  });
}

const labelled = (caption, input, hint) =>
  h(
    "div",
    { class: "field" },
    h("label", { for: input.id }, caption, hint && h("small", {}, ` ${hint}`)),
    h("div", { class: "input-box" }, input),
  );

function visibilityChoice() {
  const choice = (value, title, note, checked) =>
    h(
      "label",
      { class: "choice" },
      h("input", { type: "radio", name: "visibility", value, checked }),
      h(
        "span",
        { class: "line-text" },
        h("span", { class: "line-title" }, title),
        h("span", { class: "line-note" }, note),
      ),
    );
  return h(
    "fieldset",
    { class: "visibility" },
    h("legend", {}, "Who can come in"),
    choice("private", "Private", "Only whom an admin adds", true),
    choice("public", "Public", "Anybody who finds it", false),
  );
}
