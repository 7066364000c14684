/**
 * What the page holds of one room, and how it moves; all functions are pure.
 *
 * Messages are held from `floor` on without a hole (null: none were asked for yet).
 * `cursor` is the last rev up to which nothing is missing, `ahead` the revs known beyond it.
 *
 * @typedef {object} RoomModel
 * @property {object} room
 * @property {number} cursor
 * @property {number[]} ahead
 * @property {object[]} messages oldest first
 * @property {number | null} floor
 * @property {boolean} hasMore
 * @property {boolean} loading
 * @property {boolean} failed the last attempt to read history failed
 * @property {object | null} lastMessage
 * @property {number} unread
 */

const SNAPSHOT_SIZE = 50;

/** @returns {RoomModel} a room of which no messages are held */
export function fromRoom(room, { cursor = room.rev, unread = room.unread ?? 0 } = {}) {
  return {
    room,
    cursor,
    ahead: [],
    messages: [],
    floor: null,
    hasMore: true,
    loading: false,
    failed: false,
    lastMessage: room.lastMessage ?? null,
    unread,
  };
}

/** @returns {RoomModel} the room as a snapshot shows it */
export function fromSnapshot({ room, messages, rev }, reading) {
  const ordered = messages.reduce(upsert, []);
  const hasMore = ordered.length >= SNAPSHOT_SIZE;
  return {
    ...fromRoom(room, { cursor: rev, unread: reading ? 0 : room.unread }),
    messages: ordered,
    floor: hasMore ? ordered[0].seq : 0,
    hasMore,
    lastMessage: ordered.at(-1) ?? null,
  };
}

/** With the room's own fields renewed, unless what is held is newer. */
export function withRoom(model, room) {
  return room.rev < model.room.rev ? model : { ...model, room };
}

/** With a message in its current state; a version older than the held one changes nothing. */
export function withMessage(model, message, { me, reading }) {
  const isNews = message.seq > model.cursor && !model.ahead.includes(message.seq);
  const isForMe = message.sender.id !== me.id && message.messageType !== "system";
  const counts = isNews && !reading && isForMe && !message.deletedAt;
  const isHeld = model.loading || (model.floor !== null && message.seq >= model.floor);
  return {
    ...model,
    messages: isHeld ? upsert(model.messages, message) : model.messages,
    lastMessage: latest(model.lastMessage, message),
    unread: model.unread + (counts ? 1 : 0),
  };
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
  return {
    ...model,
    messages: held.filter((message) => message.seq >= floor),
    floor,
    hasMore: !reachesStart,
    loading: false,
  };
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
  return { ...model, cursor, ahead: [...known].filter((rev) => rev > cursor) };
}

function upsert(messages, message) {
  let at = messages.length;
  while (at > 0 && messages[at - 1].seq >= message.seq) at -= 1;
  const held = messages[at];
  if (held?.seq !== message.seq) return messages.toSpliced(at, 0, message);
  return held.rev >= message.rev ? messages : messages.with(at, message);
}

function latest(held, message) {
  if (!held || message.seq > held.seq) return message;
  return message.seq === held.seq && message.rev > held.rev ? message : held;
}
