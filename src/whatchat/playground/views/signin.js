import { attribute, fill, h, icon, iconButton } from "../dom.js";
import { wordsFor } from "../refusals.js";

const RULES = {
  username: "3 to 32 of a-z, 0-9, underscore, dot and hyphen",
  password: "8 characters or more",
};

/**
 * The page for whoever is not signed in.
 *
 * @param {{register: (fields: object) => Promise<void>, login: (fields: object) => Promise<void>}}
 *   actions
 * @param {string} notice why one is here again, if not by one's own wish
 * @returns {Element}
 */
export function signInView(actions, notice = "") {
  let isNew = true;
  const username = field("username", "Username", { autocomplete: "username", minlength: 3 });
  const displayName = field("displayName", "Display name", { autocomplete: "name" }, "optional");
  const password = field("password", "Password", { type: "password", minlength: 8 });
  const fields = { username, displayName, password };
  const problem = h("p", { class: "problem", role: "alert" });
  const submit = h("button", { class: "primary wide", type: "submit" });
  const tabs = ["Create account", "Sign in"].map((label, index) =>
    h("button", { type: "button", role: "tab", onclick: () => show(index === 0) }, label),
  );
  password.box.append(reveal(password.input));

  function show(creating) {
    isNew = creating;
    tabs.forEach((tab, index) => attribute(tab, "aria-selected", String(isNew === (index === 0))));
    displayName.node.hidden = !isNew;
    attribute(password.input, "autocomplete", isNew ? "new-password" : "current-password");
    username.note.textContent = isNew ? RULES.username : "";
    password.note.textContent = isNew ? RULES.password : "";
    submit.textContent = isNew ? "Create account" : "Sign in";
    complain(null);
  }

  function complain(error) {
    const at = fields[error?.field];
    for (const one of Object.values(fields)) attribute(one.input, "aria-invalid", one === at);
    fill(problem, error ? explain(error, isNew) : "");
    at?.input.focus();
  }

  async function send(event) {
    event.preventDefault();
    submit.disabled = true;
    const given = { username: username.input.value, password: password.input.value };
    const shown = displayName.input.value.trim();
    try {
      if (!isNew) await actions.login(given);
      else await actions.register(shown ? { ...given, displayName: shown } : given);
    } catch (error) {
      complain(error);
    }
    submit.disabled = false;
  }

  const form = h(
    "form",
    { class: "card", onsubmit: send },
    h(
      "div",
      { class: "brand" },
      h("span", { class: "logo" }, icon("logo")),
      h("h1", {}, "Whatchat"),
    ),
    h("p", { class: "tagline" }, "Private conversations, in real time."),
    notice && h("p", { class: "notice", role: "status" }, notice),
    h("div", { class: "segments", role: "tablist" }, tabs),
    username.node,
    displayName.node,
    password.node,
    problem,
    submit,
  );
  show(!notice);
  return h("main", { class: "welcome" }, form, docsLink());
}

function field(name, label, props, hint = "") {
  const note = h("span", { class: "field-note", id: `${name}-note` });
  const input = h("input", {
    id: name,
    name,
    required: !hint,
    autocapitalize: "none",
    spellcheck: "false",
    "aria-describedby": note.id,
    ...props,
  });
  const caption = h("label", { for: name }, label, hint && h("small", {}, ` ${hint}`));
  const box = h("div", { class: "input-box" }, input);
  return { input, note, box, node: h("div", { class: "field" }, caption, box, note) };
}

function reveal(input) {
  const button = iconButton("eye", "Show password", () => {
    const isHidden = input.type === "password";
    input.type = isHidden ? "text" : "password";
    attribute(button, "aria-pressed", String(isHidden));
  });
  return button;
}

function explain(error, isNew) {
  if (error.code === "unauthenticated") return "Wrong username or password.";
  if (error.code === "conflict" && isNew) return "This username is taken.";
  if (error.reason === "guessable") return "This password is easy to guess. Choose a longer one.";
  return wordsFor(error);
}

const docsLink = () => h("a", { class: "docs-link", href: "/docs" }, "API reference");
