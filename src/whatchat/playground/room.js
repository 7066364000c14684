import { isSystem, latest, upsert } from "./messages.js";
import { pastChanged, shownFromTop } from "./past.js";
import { reachOf, receiptsOf, withListed, withReach } from "./receipts.js";

/**
 * What the page holds of one room, and how it moves; all functions are pure.
 *
 * Messages are held from `floor` on without a hole (null: none were asked for yet).
 * `cursor` is the last rev up to which nothing is missing, `ahead` the revs known beyond it,
 * `early` the messages beyond it of which a later version came first.
 *
 * @typedef {object} RoomModel
 * @property {object} room
 * @property {number} cursor
 * @property {number[]} ahead
 * @property {number[]} early by seq
 * @property {object[]} messages oldest first
 * @property {number | null} floor
 * @property {boolean} hasMore
 * @property {boolean} loading
 * @property {boolean} failed the last attempt to read history failed
 * @property {object | null} lastMessage
 * @property {number} unread
 * @property {boolean} unsure too little is held to tell how many are unread
 * @property {Map<string, import("./receipts.js").Reach>} receipts
 * @property {Map<number, {delivered: number, read: number}>} summaries
 * @property {import("./past.js").Past | null} past
 */

const SNAPSHOT_SIZE = 50;

/** @returns {RoomModel} a room of which no messages are held */
export function fromRoom(room, { cursor = room.rev, unread = room.unread ?? 0 } = {}) {
  return {
    room,
    cursor,
    ahead: [],
    early: [],
    messages: [],
    floor: null,
    hasMore: true,
    loading: false,
    failed: false,
    lastMessage: room.lastMessage ?? null,
    unread,
    unsure: false,
    receipts: receiptsOf(room),
    summaries: new Map(),
    past: null,
  };
}

/** @returns {RoomModel} the room as a snapshot shows it */
export function fromSnapshot({ room, messages, rev }) {
  const ordered = messages.reduce(upsert, []);
  const hasMore = ordered.length >= SNAPSHOT_SIZE;
  return {
    ...fromRoom(room, { cursor: rev }),
    messages: ordered,
    floor: hasMore ? ordered[0].seq : 0,
    hasMore,
    lastMessage: ordered.at(-1) ?? null,
  };
}

/** With the room's own fields renewed, unless what is held is newer. */
export function withRoom(model, room) {
  const told = withListed(model, room);
  return room.rev < model.room.rev ? told : { ...told, room };
}

/** With a message in its current state; a version older than the held one changes nothing. */
export function withMessage(model, message, me) {
  const isHeld = model.loading || (model.floor !== null && message.seq >= model.floor);
  const told = {
    ...model,
    messages: isHeld ? upsert(model.messages, message) : model.messages,
    lastMessage: latest(model.lastMessage, message),
    unread: model.unread + (isNewlyUnread(model, message, me) ? 1 : 0),
    early: isKnown(model, message.seq) ? model.early : [...model.early, message.seq],
  };
  return pastChanged(told, message);
}

/** With everything up to `seq` read by oneself, here or on another device. */
export function withRead(model, seq, me) {
  const told = withReach(model, [{ userId: me.id, readSeq: seq }]);
  return told === model ? model : { ...told, ...unreadAfter(told, seq, me) };
}

/** With the server's own count, if it is of what is held here. */
export function withUnread(model, { rev, unread, participants }, me) {
  const readSeq = participants.find(({ user }) => user.id === me.id)?.readSeq ?? 0;
  const isOfThis = rev === model.cursor && !model.ahead.length;
  if (!isOfThis || readSeq !== reachOf(model, me.id).read) return model;
  return { ...model, unread, unsure: false };
}

/** With one rev accounted for. */
export function withRev(model, rev) {
  return settled(model, model.cursor, [...model.ahead, rev]);
}

/** With everything up to `rev` accounted for. */
export function upTo(model, rev) {
  return settled(model, Math.max(model.cursor, rev), model.ahead);
}

/** While a page of history is on its way, every change is held: it may be to that page. */
export function historyRequested(model) {
  return { ...model, loading: true, failed: false };
}

/** With an older page, or the first one; a page that a snapshot has overtaken is dropped. */
export function historyLoaded(model, { messages, hasMore }) {
  if (!model.loading) return model;
  const reachesStart = !hasMore || messages.length === 0;
  const floor = reachesStart ? 0 : messages[0].seq;
  const held = messages.reduce(upsert, model.messages);
  return shownFromTop({
    ...model,
    messages: held.filter((message) => message.seq >= floor),
    floor,
    hasMore: !reachesStart,
    loading: false,
  });
}

/** @returns {RoomModel} as it was before the page was asked for, marked as failed */
export function historyFailed(model) {
  const { floor } = model;
  const messages = floor === null ? [] : model.messages.filter(({ seq }) => seq >= floor);
  return { ...model, messages, loading: false, failed: true };
}

/** What may be shown: while a page is on its way, stray changes below the floor are not. */
export function readable({ messages, floor }) {
  return floor === null ? [] : messages.filter((message) => message.seq >= floor);
}

/** When something last happened; RFC 3339 in UTC sorts as text. */
export function activityOf({ room, lastMessage }) {
  const said = lastMessage?.createdAt ?? "";
  return said > room.lastActivity ? said : room.lastActivity;
}

/** The other person of a direct room. */
export function partnerOf(room, me) {
  return room.participants.find(({ user }) => user.id !== me.id)?.user ?? me;
}

/** What a room is called in front of `me`. */
export function titleOf(room, me) {
  return room.kind === "direct" ? partnerOf(room, me).displayName : room.name;
}

/** Whether `me` is an admin of the room. */
export function isAdmin(room, me) {
  return room.participants.some(({ user, role }) => user.id === me.id && role === "admin");
}

function settled(model, from, revs) {
  const known = new Set(revs);
  let cursor = from;
  while (known.has(cursor + 1)) cursor += 1;
  const beyond = (rev) => rev > cursor;
  return { ...model, cursor, ahead: [...known].filter(beyond), early: model.early.filter(beyond) };
}

/** Every message of somebody else counts once, whether or not it still says anything. */
function isNewlyUnread(model, message, me) {
  if (!counts(message, me) || message.seq <= reachOf(model, me.id).read) return false;
  return !isKnown(model, message.seq);
}

/** Whether a message has been met, in whatever version. */
const isKnown = ({ cursor, ahead, early }, seq) =>
  seq <= cursor || ahead.includes(seq) || early.includes(seq);

function unreadAfter({ lastMessage, messages, floor, unread }, seq, me) {
  if (seq >= (lastMessage?.seq ?? 0)) return { unread: 0, unsure: false };
  if (floor === null || floor > seq + 1) {
    return { unread: Math.min(unread, lastMessage.seq - seq), unsure: true };
  }
  const left = messages.filter((one) => one.seq > seq && counts(one, me));
  return { unread: left.length, unsure: false };
}

const counts = (message, me) => message.sender.id !== me.id && !isSystem(message);

const namesCache = new WeakMap();

/** What people are called, by user id, as far as the room tells. */
export function namesIn({ room, messages, past }) {
  let names = namesCache.get(room);
  if (!names) {
    names = new Map(room.participants.map(({ user }) => [user.id, user.displayName]));
    namesCache.set(room, names);
  }
  const spoke = (userId) =>
    [...messages, ...(past?.messages ?? [])].findLast(({ sender }) => sender.id === userId);
  return (userId) => names.get(userId) ?? spoke(userId)?.sender.displayName ?? "somebody";
}
