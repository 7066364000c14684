import { upsert } from "./messages.js";

const MOST_SHOWN = 300;
const MOST_KEPT = 100;

/**
 * A part of a room's history far from its end, looked at on the way from a search result or a
 * quote, or far up; all functions are pure. `model.past` is null while the end is shown.
 * However far somebody reads, only so much is held as can be shown with ease.
 *
 * @typedef {{messages: object[], hasMore: boolean, hasNewer: boolean, loading: boolean,
 *   failed: boolean}} Past
 */

/** With a stretch of history in place of the end. */
export function pastOpened(model, { messages, hasMore }) {
  const ordered = messages.reduce(upsert, []);
  const past = { messages: ordered, hasMore, hasNewer: true, loading: false, failed: false };
  return joined({ ...model, past });
}

/** Back to the end. */
export const pastLeft = (model) => (model.past ? { ...model, past: null } : model);

/** A page of it is on its way. */
export const pastRequested = (model) => changed(model, { loading: true, failed: false });

/** The page did not come. */
export const pastFailed = (model) => changed(model, { loading: false, failed: true });

/** With the page before it. */
export function olderLoaded(model, { messages, hasMore }) {
  if (!model.past) return model;
  const held = messages.reduce(upsert, model.past.messages);
  const hasNewer = model.past.hasNewer || held.length > MOST_SHOWN;
  const shown = held.slice(0, MOST_SHOWN);
  return changed(model, { messages: shown, hasMore, hasNewer, loading: false });
}

/** With the page after it; once that reaches what is held of the end, both become one. */
export function newerLoaded(model, { messages, hasMore }) {
  if (!model.past) return model;
  const all = messages.reduce(upsert, model.past.messages);
  const held = all.slice(-MOST_SHOWN);
  const isCut = held.length < all.length;
  const fields = { messages: held, hasNewer: hasMore, loading: false };
  return joined(changed(model, isCut ? { ...fields, hasMore: true } : fields));
}

/** With what is far from the reader let go of, who is at the top of what is held of the end. */
export function shownFromTop(model) {
  const { messages, hasMore, past } = model;
  if (past || messages.length <= MOST_SHOWN) return model;
  const top = { messages: messages.slice(0, MOST_SHOWN), hasMore, hasNewer: true };
  return { ...onlyEnd(model, MOST_KEPT), past: { ...top, loading: false, failed: false } };
}

/** With what is far from the reader let go of, who is at the end. */
export const shownFromEnd = (model) => onlyEnd(model, MOST_SHOWN);

/** With little of a room that is no longer looked at. */
export const closed = (model) => onlyEnd(pastLeft(model), MOST_KEPT);

/** With a newer version of a message that is in it. */
export function pastChanged(model, message) {
  if (!model.past?.messages.some(({ seq }) => seq === message.seq)) return model;
  return changed(model, { messages: upsert(model.past.messages, message) });
}

/** A page on its way belongs before the first message: that has to stay where it is. */
function onlyEnd(model, most) {
  if (model.loading || model.messages.length <= most) return model;
  const messages = model.messages.slice(-most);
  return { ...model, messages, floor: messages[0].seq, hasMore: true };
}

function changed(model, fields) {
  return model.past ? { ...model, past: { ...model.past, ...fields } } : model;
}

function joined(model) {
  const { past, floor, loading } = model;
  if (floor === null || loading) return model;
  const reaches = !past.hasNewer || (past.messages.at(-1)?.seq ?? 0) >= floor;
  if (!reaches) return model;
  const messages = past.messages.reduce(upsert, model.messages);
  const lowest = past.hasMore ? Math.min(floor, messages[0].seq) : 0;
  return { ...model, messages, floor: lowest, hasMore: past.hasMore && lowest > 0, past: null };
}
