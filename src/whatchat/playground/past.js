import { upsert } from "./messages.js";

/**
 * A part of a room's history far from its end, looked at on the way from a search result or a
 * quote; all functions are pure. `model.past` is null while the end is shown.
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
  return changed(model, { messages: held, hasMore, loading: false });
}

/** With the page after it; once that reaches what is held of the end, both become one. */
export function newerLoaded(model, { messages, hasMore }) {
  if (!model.past) return model;
  const held = messages.reduce(upsert, model.past.messages);
  return joined(changed(model, { messages: held, hasNewer: hasMore, loading: false }));
}

/** With a newer version of a message that is in it. */
export function pastChanged(model, message) {
  if (!model.past?.messages.some(({ seq }) => seq === message.seq)) return model;
  return changed(model, { messages: upsert(model.past.messages, message) });
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
