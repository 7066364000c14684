const HUES = 8;
const DAY_MS = 86_400_000;

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const shortDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const longDay = new Intl.DateTimeFormat(undefined, {
  weekday: "long",
  day: "numeric",
  month: "long",
});
const dayAndYear = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

/** The time of day of an RFC 3339 time, here. */
export const timeOf = (stamp) => clock.format(new Date(stamp));

/** Date and time in full. */
export const momentOf = (stamp) => full.format(new Date(stamp));

/** The local day as a value to compare. */
export const dayKey = (stamp) => new Date(stamp).toDateString();

/** A day as a separator names it. */
export function dayOf(stamp, now = new Date()) {
  const ago = daysBetween(new Date(stamp), now);
  if (ago === 0) return "Today";
  if (ago === 1) return "Yesterday";
  return (ago < 300 ? longDay : dayAndYear).format(new Date(stamp));
}

/** When something happened, as short as a list needs it. */
export function whenOf(stamp, now = new Date()) {
  const ago = daysBetween(new Date(stamp), now);
  if (ago === 0) return timeOf(stamp);
  if (ago === 1) return "Yesterday";
  return (ago < 7 ? weekday : shortDay).format(new Date(stamp));
}

/** One or two letters that stand for a name. */
export function initialsOf(name) {
  const words = name.trim().split(/\s+/);
  const picked = words.length > 1 ? [words[0], words.at(-1)] : words;
  return picked
    .map((word) => [...word][0] ?? "")
    .join("")
    .toUpperCase();
}

/** A colour number that an id always gets (FNV-1a, its high bits folded in). */
export function hueOf(id) {
  let hash = 0x811c9dc5;
  for (const letter of id) hash = Math.imul(hash ^ letter.codePointAt(0), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % HUES;
}

/** "1 member", "5 members". */
export const count = (number, noun) =>
  `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;

function daysBetween(earlier, later) {
  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((midnight(later) - midnight(earlier)) / DAY_MS);
}

const SPANS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** A number of seconds as people say it: "1 hour", "7 days". */
export function spanOf(seconds) {
  const [noun, length] = SPANS.find(([, one]) => seconds >= one) ?? ["second", 1];
  return count(Math.round(seconds / length), noun);
}

/** How long something is still there, as short as a message needs it: "4 h". */
export function leftOf(stamp, now = Date.now()) {
  const seconds = Math.max(0, (Date.parse(stamp) - now) / 1000);
  const [noun, length] = SPANS.find(([, one]) => seconds >= one) ?? ["second", 1];
  return noun === "second" ? "<1 m" : `${Math.round(seconds / length)} ${noun[0]}`;
}

/** When somebody was last there: "last seen today at 10:17". */
export function lastSeenOf(stamp, now = new Date()) {
  const at = timeOf(stamp);
  const ago = daysBetween(new Date(stamp), now);
  if (ago === 0) return `last seen today at ${at}`;
  if (ago === 1) return `last seen yesterday at ${at}`;
  return `last seen ${shortDay.format(new Date(stamp))} at ${at}`;
}
