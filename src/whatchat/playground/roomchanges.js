import { notTypingAny } from "./people.js";
import * as past from "./past.js";
import { withReach, withSummary } from "./receipts.js";
import * as rooms from "./room.js";

/** What events do to the rooms of the state; each is pure, named as the event is. */
export const roomHandlers = {
  "rooms-listed": (state, { listed, isLast }) => ({
    ...listed.reduce(putRoom, state),
    listed: isLast,
  }),
  "room-shown": (state, { room }) => putRoom(state, room),
  "room-event": applyRoomEvent,
  receipts: onRoom((model, { receipts }, me) => withReceipts(model, receipts, me)),
  "receipt-summary": onRoom((model, { summary }) => withSummary(model, summary)),
  "read-here": onRoom((model, { seq }, me) => readHere(model, seq, me)),
  "unread-told": onRoom((model, { room }, me) => rooms.withUnread(model, room, me)),
  synced: (state, { answer }) => {
    const next = withoutRooms(answer.rooms.reduce(applySynced, state), answer.removed);
    return answer.receiptsAt ? { ...next, receiptsAt: answer.receiptsAt } : next;
  },
  "history-requested": onRoom((model) => rooms.historyRequested(model)),
  "history-loaded": onRoom((model, { page }) => rooms.historyLoaded(model, page)),
  "history-failed": onRoom((model) => rooms.historyFailed(model)),
  "past-opened": onRoom((model, { page }) => past.pastOpened(model, page)),
  "past-requested": onRoom((model) => past.pastRequested(model)),
  "past-failed": onRoom((model) => past.pastFailed(model)),
  "older-loaded": onRoom((model, { page }) => past.olderLoaded(model, page)),
  "newer-loaded": onRoom((model, { page }) => past.newerLoaded(model, page)),
  "past-left": onRoom((model) => past.pastLeft(model)),
};

/** A change of a room, or of a message in it. */
export function applyRoomEvent(state, { name, data }) {
  const { roomId, rev, message, room } = data;
  if (name === "room:removed") return withoutRooms(state, [roomId]);
  const known = state.rooms.get(roomId);
  if (!known) return room ? put(state, rooms.fromRoom(room, { cursor: rev })) : state;
  if (rev <= known.cursor) return state;
  const told = message ? rooms.withMessage(known, message, state.me) : known;
  const moved = rooms.withRev(room ? rooms.withRoom(told, room) : told, rev);
  const next = withoutWritten(put(state, moved), message ? [message] : []);
  return name === "message:new" ? notTypingAny(next, roomId, message.sender.id) : next;
}

function applySynced(state, update) {
  const { roomId, room, messages, rev, receipts = [] } = update;
  const known = state.rooms.get(roomId);
  if (!known && !room) return state;
  const replaces = update.state === "snapshot" && !(known && known.cursor > rev);
  const base = known ?? rooms.fromRoom(room);
  const model = replaces
    ? rooms.fromSnapshot(update)
    : rooms.upTo(
        messages.reduce((one, message) => rooms.withMessage(one, message, state.me), base),
        rev,
      );
  const told = withReceipts(room ? rooms.withRoom(model, room) : model, receipts, state.me);
  const isInParts = update.more && !replaces;
  return withoutWritten(put(state, isInParts ? { ...told, unsure: true } : told), messages);
}

/** With a room that was looked at until now closed. */
export function withClosed(state, roomId) {
  const model = state.rooms.get(roomId);
  const next = model && past.closed(model);
  return next === model ? state : put(state, next);
}

/** Whoever has the last message in view is at the end. */
function readHere(model, seq, me) {
  const read = rooms.withRead(model, seq, me);
  return seq >= (model.messages.at(-1)?.seq ?? 0) && !model.past ? past.shownFromEnd(read) : read;
}

/** One's own place is kept in step with the number of what is unread. */
function withReceipts(model, receipts, me) {
  const own = receipts.find(({ userId }) => userId === me.id);
  const told = own?.readSeq ? rooms.withRead(model, own.readSeq, me) : model;
  return withReach(told, receipts);
}

function putRoom(state, room) {
  const known = state.rooms.get(room.id);
  return put(state, known ? rooms.withRoom(known, room) : rooms.fromRoom(room));
}

function onRoom(change) {
  return (state, event) => {
    const model = state.rooms.get(event.roomId);
    const next = model && change(model, event, state.me);
    return next === model ? state : put(state, next);
  };
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
