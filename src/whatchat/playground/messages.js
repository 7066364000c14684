/** With `message` at its place by seq; of two versions the one with the higher rev stays. */
export function upsert(messages, message) {
  let at = messages.length;
  while (at > 0 && messages[at - 1].seq >= message.seq) at -= 1;
  const held = messages[at];
  if (held?.seq !== message.seq) return messages.toSpliced(at, 0, message);
  return held.rev >= message.rev ? messages : messages.with(at, message);
}

/** The later of two messages, or the newer version of one. */
export function latest(held, message) {
  if (!held || message.seq > held.seq) return message;
  return message.seq === held.seq && message.rev > held.rev ? message : held;
}

/** Whether a message no longer says anything: deleted, erased, or past its time. */
export const isGone = (message, now = Date.now()) =>
  Boolean(message.deletedAt || message.erasedAt) || hasExpired(message, now);

/** What stands in the place of a message that no longer says anything. */
export function goneWords(message) {
  if (hasExpired(message)) return "Message disappeared";
  return message.deletedAt ? "Message deleted" : "Delivered to everybody and no longer kept";
}

/** Whether a disappearing message has disappeared. */
export const hasExpired = ({ expiresAt }, now = Date.now()) =>
  Boolean(expiresAt) && Date.parse(expiresAt) <= now;

/** Whether the server wrote it, about what happened in the room. */
export const isSystem = ({ messageType }) => messageType === "system";
