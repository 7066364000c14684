import { fill, h } from "../dom.js";
import { personLine } from "./avatar.js";
import { openDialog } from "./dialog.js";
import { attempt } from "./toast.js";

/** The dialog with the people whom one has blocked. */
export function openBlocked(actions) {
  openDialog("Blocked people", () => {
    const list = h("ul", { "aria-label": "Blocked people" });
    const none = h("p", { class: "hint" }, "You have blocked nobody.");
    none.hidden = true;
    const show = async () => {
      const users = (await attempt(() => actions.blocks())) ?? [];
      fill(list, users.map((user) => h("li", { class: "line" }, line(user, show))));
      none.hidden = users.length > 0;
    };
    show();
    return [list, none];
  });

  function line(user, show) {
    const onclick = () => attempt(() => actions.unblock(user)).then(show);
    const props = { type: "button", class: "small-button", onclick };
    const lift = h("button", { ...props, "aria-label": `Unblock ${user.displayName}` }, "Unblock");
    return personLine(user, { extras: [lift] });
  }
}
