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

/** A colour number that an id always gets. */
export function hueOf(id) {
  let sum = 0;
  for (const letter of id) sum = (Math.imul(sum, 31) + letter.codePointAt(0)) >>> 0;
  return sum % HUES;
}

/** "1 member", "5 members". */
export const count = (number, noun) =>
  `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;

function daysBetween(earlier, later) {
  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((midnight(later) - midnight(earlier)) / DAY_MS);
}
