import { attribute, h } from "../dom.js";

let made = 0;
const freshId = () => {
  made += 1;
  return `field-${made}`;
};

/** A line of text to be filled in; `hint` goes with the label. */
export function textField(label, props = {}, hint = "") {
  const input = h("input", { id: freshId(), ...props });
  const caption = h("label", { for: input.id }, label, hint && h("small", {}, ` ${hint}`));
  return {
    input,
    node: h("div", { class: "field" }, caption, h("div", { class: "input-box" }, input)),
  };
}

/**
 * One of several; goes back if `change` answers false.
 *
 * @param {[string, string][]} choices values and what they are called
 */
export function chooser(label, choices, value, change) {
  let kept = String(value);
  const id = freshId();
  const options = choices.map(([one, name]) =>
    h("option", { value: one, selected: String(one) === kept }, name),
  );
  const select = h("select", { id, onchange: () => chosen() }, options);

  async function chosen() {
    const wanted = select.value;
    if ((await change?.(wanted)) === false) select.value = kept;
    else kept = wanted;
  }

  return h("div", { class: "field choose" }, h("label", { for: id }, label), select);
}

/** On or off; goes back if `change` answers false. */
export function toggle(label, note, value, change) {
  const id = freshId();
  const input = h("input", {
    id,
    type: "checkbox",
    role: "switch",
    class: "switch",
    onchange: async () => {
      if ((await change?.(input.checked)) === false) input.checked = !input.checked;
    },
  });
  input.checked = Boolean(value);
  attribute(input, "aria-describedby", note ? `${id}-note` : null);
  return h(
    "div",
    { class: "toggle" },
    h(
      "span",
      { class: "line-text" },
      h("label", { for: id }, label),
      note && h("span", { class: "line-note", id: `${id}-note` }, note),
    ),
    input,
  );
}
