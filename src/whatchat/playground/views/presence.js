import { attribute, h } from "../dom.js";
import { lastSeenOf } from "../format.js";

/** The dot that says that somebody is there. */
export const presenceDot = () => h("span", { class: "presence-dot", hidden: true });

/** Show or hide a dot. */
export function updateDot(dot, state, userId) {
  const isOnline = isThere(state, userId);
  dot.hidden = !isOnline;
  attribute(dot, "title", isOnline && "Online");
}

/** Whether somebody is known to be there. */
export const isThere = ({ presence, blocks, link }, userId) =>
  link === "online" && !blocks.has(userId) && presence.get(userId)?.status === "online";

/** "online", "last seen today at 10:17", or null where it is not known. */
export function presenceWords(state, userId) {
  if (state.blocks.has(userId)) return null;
  if (isThere(state, userId)) return "online";
  const { lastSeen } = state.presence.get(userId) ?? {};
  return lastSeen ? lastSeenOf(lastSeen) : null;
}
