import { peopleHandlers } from "./people.js";
import { applyRoomEvent, roomHandlers, withClosed } from "./roomchanges.js";
import { activityOf } from "./room.js";
import { reachOf } from "./receipts.js";

/**
 * Everything the page shows.
 *
 * @typedef {object} State
 * @property {object | null} me oneself, with the profile's settings once they are read
 * @property {"connecting" | "online" | "reconnecting"} link
 * @property {string | null} epoch the history that the cursors belong to
 * @property {string | null} receiptsAt up to when all receipts are known, as the server words it
 * @property {Map<string, import("./room.js").RoomModel>} rooms
 * @property {boolean} listed whether all rooms are known
 * @property {string | null} openRoomId
 * @property {{roomId: string, seq: number | null} | null} divider where what was unread begins:
 *   after `seq`, as it was when the room was opened
 * @property {{roomId: string, messageId: string} | null} focus the message to show and point out
 * @property {boolean} visible whether somebody can be looking
 * @property {number} now a time by which everything due has been done
 * @property {Map<string, {userId: string, username: string, until: number}[]>} typing by room
 * @property {Map<string, {status: "online" | "offline", lastSeen?: string}>} presence by user
 * @property {Map<string, object>} blocks the people whom one has blocked
 * @property {{clientId: string, roomId: string, content: string, replyTo?: string,
 *   createdAt: string, refusal: string | null}[]} outbox what is written and not yet accepted,
 *   oldest first
 */

/** @type {State} */
export const initialState = {
  me: null,
  link: "connecting",
  epoch: null,
  receiptsAt: null,
  rooms: new Map(),
  listed: false,
  openRoomId: null,
  divider: null,
  focus: null,
  visible: true,
  now: 0,
  typing: new Map(),
  presence: new Map(),
  blocks: new Map(),
  outbox: [],
};

const handlers = {
  ...roomHandlers,
  ...peopleHandlers,
  "signed-in": (state, { me, outbox }) => ({ ...initialState, visible: state.visible, me, outbox }),
  "signed-out": (state) => ({ ...initialState, visible: state.visible }),
  "link-changed": changeLink,
  ready: (state, { epoch }) => {
    const isSame = state.epoch === null || state.epoch === epoch;
    if (isSame) return { ...state, epoch };
    return { ...state, epoch, receiptsAt: null, rooms: new Map(), listed: false };
  },
  "room-opened": (state, { roomId }) => {
    const left = roomId === state.openRoomId ? state : withClosed(state, state.openRoomId);
    return { ...left, openRoomId: roomId, divider: null };
  },
  "visibility-changed": (state, { visible }) => {
    const isBack = visible && !state.visible;
    return { ...state, visible, divider: isBack ? freshDivider(state) : state.divider };
  },
  "focus-asked": (state, { roomId, messageId }) => ({ ...state, focus: { roomId, messageId } }),
  written: (state, { item }) => ({ ...state, divider: undivided(state), outbox: [...state.outbox, item] }),
  accepted: (state, { message }) => {
    const data = { roomId: message.roomId, rev: message.rev, message };
    return applyRoomEvent(state, { name: "accepted", data });
  },
  refused: (state, { clientId, reason }) => markWritten(state, clientId, reason),
  "retry-asked": (state, { clientId }) => markWritten(state, clientId, null),
  dropped: (state, { clientId }) => ({
    ...state,
    outbox: state.outbox.filter((item) => item.clientId !== clientId),
  }),
};

/**
 * The state after an event. Pure; an event that comes twice changes nothing the second time.
 *
 * @param {State} state
 * @param {{type: string}} event
 * @returns {State}
 */
export function reduce(state, event) {
  return withDivider(handlers[event.type](state, event));
}

/** Whether revs are missing between what is held of a room and what was heard of it. */
export function hasGap(state, roomId) {
  const model = state.rooms.get(roomId);
  return model === undefined || model.ahead.length > 0;
}

/** The rooms, newest activity first. */
export function roomsByActivity(state) {
  const models = [...state.rooms.values()];
  return models.sort((a, b) => (activityOf(a) < activityOf(b) ? 1 : -1));
}

/** A holder of the state that tells its listeners of what has changed, once per turn. */
export class Store {
  #listeners = [];
  #isTelling = false;

  constructor() {
    this.state = initialState;
  }

  /** @param {{type: string}} event */
  dispatch(event) {
    const before = this.state;
    this.state = reduce(before, event);
    if (this.state === before || this.#isTelling) return;
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

/** The open room's divider is drawn where the reader was on coming in. */
function withDivider(state) {
  const { openRoomId, rooms, divider } = state;
  if (!rooms.has(openRoomId) || divider?.roomId === openRoomId) return state;
  return { ...state, divider: freshDivider(state) };
}

function freshDivider({ openRoomId, rooms, me, divider }) {
  const model = rooms.get(openRoomId);
  if (!model || !me) return divider;
  return { roomId: openRoomId, seq: model.unread > 0 ? reachOf(model, me.id).read : null };
}

const undivided = ({ divider }) => divider && { ...divider, seq: null };

function markWritten(state, clientId, refusal) {
  const mark = (item) => (item.clientId === clientId ? { ...item, refusal } : item);
  return { ...state, outbox: state.outbox.map(mark) };
}
