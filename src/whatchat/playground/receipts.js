/**
 * How far everybody has got in a room; all functions are pure.
 *
 * `model.receipts` holds, by user id, up to where somebody has received and read; neither ever
 * goes back. In rooms too large for that, `model.summaries` holds counts by seq.
 *
 * @typedef {{delivered: number, read: number}} Reach
 */

const NOWHERE = { delivered: 0, read: 0 };
const MOST_SUMMARIES = 100;

/** @returns {Map<string, Reach>} as the room itself lists it */
export const receiptsOf = ({ participants }) => merged(new Map(), participants.map(fromParticipant));

/** How far one person has got. */
export const reachOf = ({ receipts }, userId) => receipts.get(userId) ?? NOWHERE;

/** With what a room lists; what is known to be further stays, and whoever is out is forgotten. */
export function withListed(model, room) {
  const isIn = listedOrAll(room);
  const gone = [...model.receipts.keys()].some((id) => !isIn(id));
  const kept = gone ? new Map([...model.receipts].filter(([id]) => isIn(id))) : model.receipts;
  return withReach({ ...model, receipts: kept }, room.participants.map(fromParticipant));
}

/**
 * With news of how far people have got.
 *
 * @param {{userId: string, deliveredSeq?: number, readSeq?: number}[]} news
 */
export function withReach(model, news) {
  const receipts = merged(model.receipts, news);
  return receipts === model.receipts ? model : { ...model, receipts };
}

/** With a count of those who have everything up to `seq`. */
export function withSummary(model, { seq, delivered, read }) {
  const kept = [...model.summaries].slice(-MOST_SUMMARIES);
  return { ...model, summaries: new Map(kept).set(seq, { delivered, read }) };
}

/**
 * How far one's own message has got.
 *
 * @returns {{status: "sent" | "delivered" | "read", delivered: number, read: number,
 *   others: number}}
 */
export function reachOfMessage(model, seq, me) {
  const { deliveredTo, readTo, others } = reachedBy(model, me);
  const told = summaryFor(model, seq);
  const read = Math.max(countFrom(readTo, seq), told?.read ?? 0);
  const delivered = Math.max(countFrom(deliveredTo, seq), told?.delivered ?? 0, read);
  const status = read >= others ? "read" : delivered >= others ? "delivered" : "sent";
  return { status: others > 0 ? status : "sent", delivered, read, others };
}

/** Who has read a message, who has only received it, and who neither, of those who are listed. */
export function audienceOf(model, message) {
  const people = model.room.participants.filter(({ user }) => user.id !== message.sender.id);
  const lists = { read: [], delivered: [], waiting: [] };
  for (const { user } of people) {
    const { delivered, read } = reachOf(model, user.id);
    if (read >= message.seq) lists.read.push(user);
    else if (delivered >= message.seq) lists.delivered.push(user);
    else lists.waiting.push(user);
  }
  return lists;
}

const fromParticipant = ({ user, deliveredSeq, readSeq }) => ({
  userId: user.id,
  deliveredSeq,
  readSeq,
});

function merged(receipts, news) {
  let next = receipts;
  for (const { userId, deliveredSeq = 0, readSeq = 0 } of news) {
    const { delivered, read } = next.get(userId) ?? NOWHERE;
    if (deliveredSeq <= delivered && readSeq <= read) continue;
    if (next === receipts) next = new Map(receipts);
    const reach = { delivered: Math.max(delivered, deliveredSeq, readSeq) };
    next.set(userId, { ...reach, read: Math.max(read, readSeq) });
  }
  return next;
}

const reachedCache = new WeakMap();

/** Up to where everybody else has got, sorted; made once for every state of the receipts. */
function reachedBy({ room, receipts }, me) {
  const known = reachedCache.get(receipts);
  if (known?.room === room && known.me === me) return known;
  const isIn = listedOrAll(room);
  const reach = [...receipts].filter(([id]) => id !== me.id && isIn(id)).map(([, one]) => one);
  const sorted = (name) => reach.map((one) => one[name]).sort((a, b) => a - b);
  const others = Math.max(0, room.participantCount - 1);
  const made = { room, me, others, deliveredTo: sorted("delivered"), readTo: sorted("read") };
  reachedCache.set(receipts, made);
  return made;
}

function listedOrAll({ participants, participantCount }) {
  if (participants.length < participantCount) return () => true;
  const listed = new Set(participants.map(({ user }) => user.id));
  return (id) => listed.has(id);
}

function countFrom(sorted, seq) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] >= seq) high = middle;
    else low = middle + 1;
  }
  return sorted.length - low;
}

/** Whoever has everything up to a later seq has this message as well. */
function summaryFor({ summaries }, seq) {
  let found = null;
  for (const [upTo, counts] of summaries) {
    if (upTo >= seq && (!found || counts.read + counts.delivered > found.read + found.delivered)) {
      found = counts;
    }
  }
  return found;
}
