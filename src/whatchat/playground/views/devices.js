import { fill, h, icon } from "../dom.js";
import { momentOf } from "../format.js";
import { openDialog } from "./dialog.js";
import { attempt } from "./toast.js";

/** The dialog with the devices on which one is signed in. */
export function openDevices(actions) {
  openDialog("Devices", () => {
    const list = h("ul", { class: "devices", "aria-label": "Devices" });
    const show = async () => {
      const devices = await attempt(() => actions.devices());
      fill(list, (devices ?? []).map((device) => deviceLine(device, actions, show)));
    };
    show();
    return [list];
  });
}

function deviceLine({ id, name, lastSeenAt, current }, actions, show) {
  const signOut = () => attempt(() => actions.signOutDevice(id)).then(show);
  const button = { type: "button", class: "small-button", onclick: signOut };
  return h(
    "li",
    { class: "line" },
    icon("device"),
    h(
      "span",
      { class: "line-text" },
      h("span", { class: "line-title" }, name || "A browser", current && h("small", {}, " this one")),
      h("span", { class: "line-note" }, `Last seen ${momentOf(lastSeenAt)}`),
    ),
    !current && h("button", { ...button, "aria-label": `Sign out ${name || "a browser"}` }, "Sign out"),
  );
}
