import { attribute, fill, h, icon } from "../dom.js";
import { bannerView } from "./banner.js";
import { chatView } from "./chat.js";
import { detailsView } from "./details.js";
import { sidebarView } from "./sidebar.js";

/** The page of somebody signed in: the rooms, the open one, and what is known about it. */
export function shellView(actions) {
  let hasDetails = false;
  let latest;
  const toggle = (open) => {
    hasDetails = open;
    render(latest);
  };
  const shown = {
    ...actions,
    toggleDetails: () => toggle(!hasDetails),
    closeDetails: () => toggle(false),
  };
  const [sidebar, chat, details, banner] = [
    sidebarView(shown),
    chatView(shown),
    detailsView(shown),
    bannerView(),
  ];
  const nothing = nothingOpen();
  const main = h("main", { class: "main" });
  const node = h("div", { class: "shell" }, sidebar.node, main, banner.node);

  function render(state) {
    latest = state;
    const model = state.rooms.get(state.openRoomId);
    const parts = model ? [chat.node, ...(hasDetails ? [details.node] : [])] : [nothing];
    if (
      parts.some((part, at) => main.children[at] !== part) ||
      main.children.length > parts.length
    ) {
      fill(main, parts);
    }
    attribute(node, "data-open", Boolean(model));
    sidebar.render(state);
    banner.render(state);
    if (model) chat.render(state, model);
    if (model && hasDetails) details.render(state, model);
  }

  return { node, render };
}

const nothingOpen = () =>
  h(
    "div",
    { class: "nothing" },
    h("span", { class: "logo" }, icon("logo")),
    h("p", { class: "empty-title" }, "Pick a chat"),
    h("p", {}, "or search for somebody to start one."),
  );
