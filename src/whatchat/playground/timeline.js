import { dayKey, dayOf, leftOf } from "./format.js";
import { goneWords, hasExpired, isGone, isSystem } from "./messages.js";
import { reachOfMessage } from "./receipts.js";
import { readable } from "./room.js";

const GROUPED_MS = 5 * 60_000;
const MOST_QUOTED = 200;

/**
 * What a room's timeline shows, top to bottom: day separators, messages, where the unread ones
 * begin, what happened in the room, then what is written and not yet accepted. A row keeps its
 * key when its message is accepted.
 *
 * @param {import("./room.js").RoomModel} model
 * @param {import("./store.js").State} state
 * @returns {{key: string, kind: "day" | "message" | "system" | "unread"}[]}
 */
export function timelineOf(model, state) {
  const shown = shownPart(model);
  const present = shown.messages.filter((message) => !hasExpired(message, state.now));
  const quotes = new Map(present.map((message) => [message.id, message]));
  const rows = [
    ...present.map((message) => accepted(message, model, state, quotes)),
    ...(shown.hasNewer ? [] : written(model, state).map((item) => pending(item, state, quotes))),
  ];
  markLastRead(rows, model);
  const dividerAt = dividerIn(rows, state, shown);
  return rows.flatMap((row, index) => {
    const [before, after] = [rows[index - 1], rows[index + 1]];
    const isNewDay = dayKey(row.at) !== (before && dayKey(before.at));
    const isFirst = isNewDay || index === dividerAt || !isTogether(before, row);
    const isLast = !after || index + 1 === dividerAt || !isTogether(row, after);
    const isNamed = isFirst && !row.isMine && model.room.kind === "group";
    return [
      ...(isNewDay ? [dayRow(row.at)] : []),
      ...(index === dividerAt ? [{ key: "unread", kind: "unread" }] : []),
      row.kind === "system" ? row : { ...row, isFirst, isLast, isNamed },
    ];
  });
}

/** The stretch of history that is looked at: a part of the past, or the end. */
export function shownPart(model) {
  if (model.past) return model.past;
  const { floor, hasMore, loading, failed } = model;
  return { messages: readable(model), floor, hasMore, hasNewer: false, loading, failed };
}

const written = ({ room }, { outbox }) => outbox.filter(({ roomId }) => roomId === room.id);

function accepted(message, model, { me, now }, quotes) {
  const key = `${message.sender.id} ${message.clientId}`;
  if (isSystem(message)) {
    const { seq, content } = message;
    return { key, kind: "system", seq, sender: message.sender, content, at: message.createdAt };
  }
  const isMine = message.sender.id === me.id;
  const reach = isMine ? reachOfMessage(model, message.seq, me) : null;
  return {
    key,
    kind: "message",
    message,
    seq: message.seq,
    sender: message.sender,
    isMine,
    content: message.content,
    at: message.createdAt,
    isEdited: Boolean(message.editedAt),
    isDeleted: isGone(message, now),
    goneWords: goneWords(message),
    expiresAt: message.expiresAt,
    left: message.expiresAt && leftOf(message.expiresAt),
    reactions: message.reactions,
    status: reach?.status ?? "sent",
    readBy: reach?.read,
    others: reach?.others,
    ...quoted(message.replyTo, me, quotes),
  };
}

function pending({ clientId, content, replyTo, createdAt, refusal }, { me }, quotes) {
  return {
    key: `${me.id} ${clientId}`,
    kind: "message",
    clientId,
    sender: me,
    isMine: true,
    content,
    at: createdAt,
    status: refusal === null ? "pending" : "failed",
    refusal,
    ...quoted(replyTo, me, quotes),
  };
}

/** What a message answers, as far as it is known here. */
function quoted(replyTo, me, quotes) {
  if (!replyTo) return {};
  const original = quotes.get(replyTo);
  if (!original) return { replyTo, quoteName: "", quoteText: "An earlier message" };
  const { sender, content } = original;
  return {
    replyTo,
    quoteName: sender.id === me.id ? "You" : sender.displayName,
    quoteOf: sender.id,
    quoteText: isGone(original) ? goneWords(original) : content.slice(0, MOST_QUOTED),
  };
}

/** In a group the latest message that somebody has read says by how many. */
function markLastRead(rows, { room }) {
  if (room.kind !== "group") return;
  const last = rows.findLast(({ isMine, isDeleted, readBy }) => isMine && !isDeleted && readBy > 0);
  if (last) last.saysReaders = true;
}

function dividerIn(rows, { divider }, { hasMore }) {
  if (!divider || divider.seq === null) return -1;
  const at = rows.findIndex(({ seq, isMine }) => seq > divider.seq && !isMine);
  return at > 0 || !hasMore ? at : -1;
}

const dayRow = (at) => ({ key: `day ${dayKey(at)}`, kind: "day", label: dayOf(at) });

function isTogether(earlier, later) {
  return (
    earlier.kind === later.kind &&
    earlier.sender.id === later.sender.id &&
    dayKey(earlier.at) === dayKey(later.at) &&
    Math.abs(new Date(later.at) - new Date(earlier.at)) < GROUPED_MS
  );
}
