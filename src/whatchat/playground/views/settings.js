import { fill, h } from "../dom.js";
import { avatar } from "./avatar.js";
import { openBlocked } from "./blocked.js";
import { openDevices } from "./devices.js";
import { openDialog } from "./dialog.js";
import { chooser, textField, toggle } from "./fields.js";
import { attempt, toast } from "./toast.js";
import { wideButton } from "./widebutton.js";

const WHO_SEES = [
  ["everyone", "Everyone"],
  ["contacts", "My contacts"],
  ["nobody", "Nobody"],
];

/** The dialog about oneself: the profile, privacy, devices, and the way out. */
export function openSettings(state, actions) {
  openDialog("Settings", (close) => {
    const body = h("div", { class: "settings" }, h("span", { class: "spinner" }));
    const show = (profile) => fill(body, profileForm(profile, actions), links(actions, close));
    attempt(async () => show(await actions.profile())).then((shown) => {
      if (shown === null) show(state.me);
    });
    return [body];
  });
}

function profileForm(profile, actions) {
  const name = textField("Display name", { value: profile.displayName, maxlength: 100 });
  const save = async (fields) => {
    const saved = await attempt(() => actions.updateMe(fields));
    if (saved) toast("Saved.");
    return saved !== null;
  };
  const rename = (event) => {
    event.preventDefault();
    const displayName = name.input.value.trim();
    if (displayName && displayName !== profile.displayName) save({ displayName });
  };
  const presence = chooser("Who sees when I am online", WHO_SEES, profile.presence, (value) =>
    save({ presence: value }),
  );
  const receipts = toggle(
    "Read receipts",
    "Others see what you have read.",
    profile.readReceipts,
    (isOn) => save({ readReceipts: isOn }),
  );
  const change = h("button", { type: "submit", class: "small-button" }, "Save");
  return [
    h(
      "form",
      { class: "profile", onsubmit: rename },
      avatar(profile.id, profile.displayName, "medium"),
      name.node,
      change,
    ),
    presence,
    receipts,
  ];
}

function links(actions, close) {
  const leave = () => {
    close();
    actions.signOut();
  };
  return h(
    "div",
    { class: "settings-links" },
    wideButton("device", "Devices", () => openDevices(actions)),
    wideButton("block", "Blocked people", () => openBlocked(actions)),
    wideButton("leave", "Sign out", leave, "danger"),
  );
}
