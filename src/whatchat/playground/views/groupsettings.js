import { fill, h } from "../dom.js";
import { openDialog } from "./dialog.js";
import { disappearChooser, spanChosen } from "./disappearing.js";
import { textField, toggle } from "./fields.js";

/** The dialog in which an admin says what a group is called and how it behaves. */
export function openGroupSettings(room, actions) {
  openDialog("Group settings", (close) => {
    const fields = fieldsFor(room);
    const problem = h("p", { class: "problem", role: "alert" });
    const submit = h("button", { type: "submit", class: "primary wide" }, "Save");

    async function save(event) {
      event.preventDefault();
      submit.disabled = true;
      try {
        const changes = changesTo(room, fields);
        if (Object.keys(changes).length) await actions.updateRoom(room.id, changes);
        close();
      } catch (error) {
        fill(problem, error.message);
      }
      submit.disabled = false;
    }

    const nodes = Object.values(fields).map(({ node }) => node);
    return [h("form", { onsubmit: save }, nodes, problem, submit)];
  });
}

function fieldsFor({ name, description, settings }) {
  const { isPrivate, maxParticipants, allowFileSharing, deliverOnly } = settings;
  const most = { type: "number", min: 2, max: 10_000, value: maxParticipants, required: true };
  return {
    name: textField("Name", { value: name, maxlength: 100, required: true }),
    description: textField("Description", { value: description, maxlength: 500 }, "optional"),
    isPublic: switchField("Public", "Anybody may find it and come in.", !isPrivate),
    maxParticipants: textField("Members at most", most),
    allowFileSharing: switchField("File sharing", "Members may share files.", allowFileSharing),
    disappear: disappearField(settings),
    deliverOnly: switchField(
      "Deliver only",
      "What is written is erased once everybody has it.",
      deliverOnly,
    ),
  };
}

/** What is to be changed: the server leaves alone what is not there. */
function changesTo(room, fields) {
  const changes = {};
  const name = fields.name.input.value.trim();
  const description = fields.description.input.value.trim();
  if (name !== room.name) changes.name = name;
  if (description !== room.description) changes.description = description;
  const settings = settingsIn(room.settings, fields);
  if (Object.keys(settings).length) changes.settings = settings;
  return changes;
}

function settingsIn(before, fields) {
  const wanted = {
    isPrivate: !fields.isPublic.value(),
    maxParticipants: Number(fields.maxParticipants.input.value),
    allowFileSharing: fields.allowFileSharing.value(),
    disappearAfterSeconds: fields.disappear.value(),
    deliverOnly: fields.deliverOnly.value(),
  };
  const known = { ...before, disappearAfterSeconds: before.disappearAfterSeconds ?? null };
  return Object.fromEntries(
    Object.entries(wanted).filter(([setting, value]) => value !== known[setting]),
  );
}

function disappearField({ disappearAfterSeconds }) {
  const node = disappearChooser(disappearAfterSeconds);
  return { node, value: () => spanChosen(node.querySelector("select").value) };
}

function switchField(label, note, isOn) {
  const node = toggle(label, note, isOn);
  return { node, value: () => node.querySelector("input").checked };
}
