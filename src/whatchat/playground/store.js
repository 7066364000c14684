import * as rooms from "./room.js";

/**
 * Everything the page shows.
 *
 * @typedef {object} State
 * @property {object | null} me
 * @property {"connecting" | "online" | "reconnecting"} link
 * @property {string | null} epoch the history that the cursors belong to
 * @property {Map<string, import("./room.js").RoomModel>} rooms
 * @property {boolean} listed whether all rooms are known
 * @property {string | null} openRoomId
 * @property {boolean} visible whether somebody can be looking
 * @property {{clientId: string, roomId: string, content: string, createdAt: string,
 *   refusal: string | null}[]} outbox what is written and not yet accepted, oldest first
 */

/** @type {State} */
export const initialState = {
  me: null,
  link: "connecting",
  epoch: null,
  rooms: new Map(),
  listed: false,
  openRoomId: null,
  visible: true,
  outbox: [],
};

const handlers = {
  "signed-in": (state, { me, outbox }) => ({ ...initialState, visible: state.visible, me, outbox }),
  "signed-out": (state) => ({ ...initialState, visible: state.visible }),
  "link-changed": changeLink,
  ready: (state, { epoch }) => {
    const isSame = state.epoch === null || state.epoch === epoch;
    return isSame ? { ...state, epoch } : { ...state, epoch, rooms: new Map(), listed: false };
  },
  "rooms-listed": listRooms,
  "room-shown": (state, { room }) => putRoom(state, room),
  "room-opened": (state, { roomId }) => seen({ ...state, openRoomId: roomId }),
  "room-event": applyRoomEvent,
  "visibility-changed": (state, { visible }) => seen({ ...state, visible }),
  synced: (state, { answer }) =>
    withoutRooms(answer.rooms.reduce(applySynced, state), answer.removed),
  "history-requested": onRoom((model) => rooms.historyRequested(model)),
  "history-loaded": onRoom((model, { page }) => rooms.historyLoaded(model, page)),
  "history-failed": onRoom((model) => rooms.historyFailed(model)),
  written: (state, { item }) => ({ ...state, outbox: [...state.outbox, item] }),
  accepted: (state, { message }) => {
    const data = { roomId: message.roomId, rev: message.rev, message };
    return withoutWritten(applyRoomEvent(state, { data }), [message]);
  },
  refused: (state, { clientId, reason }) => markWritten(state, clientId, reason),
  "retry-asked": (state, { clientId }) => markWritten(state, clientId, null),
};

/**
 * The state after an event. Pure; an event that comes twice changes nothing the second time.
 *
 * @param {State} state
 * @param {{type: string}} event
 * @returns {State}
 */
export function reduce(state, event) {
  return handlers[event.type](state, event);
}

/** Whether revs are missing between what is held of a room and what was heard of it. */
export function hasGap(state, roomId) {
  const model = state.rooms.get(roomId);
  return model === undefined || model.ahead.length > 0;
}

/** The rooms, newest activity first. */
export function roomsByActivity(state) {
  const models = [...state.rooms.values()];
  return models.sort((a, b) => (rooms.activityOf(a) < rooms.activityOf(b) ? 1 : -1));
}

/** A holder of the state that tells its listeners once per turn. */
export class Store {
  #listeners = [];
  #isTelling = false;

  constructor() {
    this.state = initialState;
  }

  /** @param {{type: string}} event */
  dispatch(event) {
    this.state = reduce(this.state, event);
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      for (const listener of this.#listeners) listener(this.state);
    });
  }

  /** @param {(state: State) => void} listener */
  subscribe(listener) {
    this.#listeners.push(listener);
  }
}

function changeLink(state, { link }) {
  if (link !== "online") return { ...state, link };
  const retried = new Map();
  for (const [roomId, model] of state.rooms) retried.set(roomId, { ...model, failed: false });
  return { ...state, link, rooms: retried };
}

function listRooms(state, { listed, marks, isLast }) {
  const next = listed.reduce((before, room) => putListed(before, room, marks[room.id] ?? 0), state);
  return { ...next, listed: isLast };
}

function putListed(state, room, mark) {
  const unread = isReading(state, room.id) ? 0 : unreadSince(room, mark);
  return putRoom(state, { ...room, unread });
}

function unreadSince({ unread, lastMessage }, mark) {
  const behind = Math.max(0, (lastMessage?.seq ?? 0) - mark);
  return Math.min(unread ?? 0, behind);
}

function putRoom(state, room) {
  const known = state.rooms.get(room.id);
  return put(state, known ? rooms.withRoom(known, room) : rooms.fromRoom(room));
}

function applyRoomEvent(state, { name, data }) {
  const { roomId, rev, message, room } = data;
  if (name === "room:removed") return withoutRooms(state, [roomId]);
  const known = state.rooms.get(roomId);
  if (!known) return room ? put(state, rooms.fromRoom(room, { cursor: rev })) : state;
  if (rev <= known.cursor) return state;
  const told = message ? applyMessage(state, known, message) : known;
  const moved = rooms.withRev(room ? rooms.withRoom(told, room) : told, rev);
  return withoutWritten(put(state, moved), message ? [message] : []);
}

function applySynced(state, update) {
  const { roomId, room, messages, rev } = update;
  const known = state.rooms.get(roomId);
  const isStale = known && known.cursor > rev;
  const replaces = update.state === "snapshot" && !isStale;
  if (!known && !room) return state;
  const base = known ?? rooms.fromRoom(room);
  const model = replaces
    ? rooms.fromSnapshot(update, isReading(state, roomId))
    : rooms.upTo(
        messages.reduce((one, message) => applyMessage(state, one, message), base),
        rev,
      );
  return withoutWritten(put(state, room ? rooms.withRoom(model, room) : model), messages);
}

function applyMessage(state, model, message) {
  return rooms.withMessage(model, message, {
    me: state.me,
    reading: isReading(state, model.room.id),
  });
}

function onRoom(change) {
  return (state, event) => {
    const model = state.rooms.get(event.roomId);
    return model ? put(state, change(model, event)) : state;
  };
}

function isReading(state, roomId) {
  return state.visible && state.openRoomId === roomId;
}

function seen(state) {
  const model = state.rooms.get(state.openRoomId);
  return model && isReading(state, model.room.id) ? put(state, { ...model, unread: 0 }) : state;
}

function put(state, model) {
  return { ...state, rooms: new Map(state.rooms).set(model.room.id, model) };
}

function withoutRooms(state, roomIds) {
  if (!roomIds.some((roomId) => state.rooms.has(roomId))) return state;
  const left = new Map(state.rooms);
  for (const roomId of roomIds) left.delete(roomId);
  return { ...state, rooms: left };
}

function withoutWritten(state, messages) {
  const arrived = new Set();
  for (const { sender, clientId } of messages) if (sender.id === state.me.id) arrived.add(clientId);
  if (!state.outbox.some(({ clientId }) => arrived.has(clientId))) return state;
  return { ...state, outbox: state.outbox.filter(({ clientId }) => !arrived.has(clientId)) };
}

function markWritten(state, clientId, refusal) {
  const mark = (item) => (item.clientId === clientId ? { ...item, refusal } : item);
  return { ...state, outbox: state.outbox.map(mark) };
}
