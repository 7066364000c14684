import { attribute, fill, h, text } from "../dom.js";
import { whenOf } from "../format.js";
import { goneWords, isGone, isSystem } from "../messages.js";
import { reachOfMessage } from "../receipts.js";
import { activityOf, namesIn, partnerOf, titleOf } from "../room.js";
import { avatar, publicMark, updateRoomAvatar } from "./avatar.js";
import { presenceDot, updateDot } from "./presence.js";
import { ticks } from "./ticks.js";
import { typingWords } from "./typing.js";

const MOST_SHOWN = 99;

/** One room in the list: who, what was said last, when, and how much of it is unread. */
export function roomRow(openRoom) {
  let roomId;
  let told = null;
  const disc = avatar("", "");
  const dot = presenceDot();
  const title = h("span", { class: "room-title" });
  const mark = publicMark();
  const when = h("time", { class: "room-when" });
  const preview = h("span", { class: "room-preview" });
  const badge = h("span", { class: "badge" });
  const button = h(
    "button",
    { type: "button", class: "room-row", onclick: () => openRoom(roomId) },
    h("span", { class: "disc" }, disc, dot),
    h("span", { class: "room-line" }, h("span", { class: "room-name" }, title, mark), when),
    h("span", { class: "room-line" }, preview, badge),
  );

  function update({ model, state }) {
    const { room, unread } = model;
    roomId = room.id;
    updateRoomAvatar(disc, room, state.me);
    updateDot(dot, state, room.kind === "direct" ? partnerOf(room, state.me).id : null);
    text(title, titleOf(room, state.me));
    mark.hidden = room.settings.isPrivate;
    text(when, whenOf(activityOf(model)));
    showPreview(model, state);
    badge.hidden = unread === 0;
    text(badge, unread > MOST_SHOWN ? `${MOST_SHOWN}+` : String(unread));
    attribute(badge, "aria-label", `${badge.textContent} unread`);
    attribute(button, "aria-current", state.openRoomId === room.id ? "page" : null);
    attribute(button, "data-unread", unread > 0);
  }

  function showPreview(model, state) {
    const typing = typingWords(state, model, namesIn(model));
    const status = typing ? null : statusOf(model, state);
    const said = typing ?? previewOf(model, state);
    const telling = `${status} ${Boolean(typing)} ${said}`;
    if (told === telling) return;
    told = telling;
    attribute(preview, "data-typing", Boolean(typing));
    fill(preview, status && ticks(status), said);
  }

  return { node: h("li", {}, button), update };
}

function statusOf(model, { me, now }) {
  const { lastMessage } = model;
  const isOwn = lastMessage?.sender.id === me.id && !isSystem(lastMessage);
  return isOwn && !isGone(lastMessage, now) ? reachOfMessage(model, lastMessage.seq, me).status : null;
}

function previewOf({ room, lastMessage }, { me, now }) {
  if (!lastMessage) return room.kind === "direct" ? "Say hello" : "No messages yet";
  if (isSystem(lastMessage)) return lastMessage.content;
  const said = isGone(lastMessage, now) ? goneWords(lastMessage) : lastMessage.content;
  const isNamed = room.kind === "group" && lastMessage.sender.id !== me.id;
  return isNamed ? `${lastMessage.sender.displayName}: ${said}` : said;
}
