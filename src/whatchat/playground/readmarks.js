const KEY = "whatchat.read";

/** How far each room was read in this browser: room id → seq. */
export function readMarks() {
  return JSON.parse(localStorage.getItem(KEY) ?? "{}");
}

/** Remember that a room was read up to `seq`. */
export function markRead(roomId, seq) {
  const marks = readMarks();
  if ((marks[roomId] ?? 0) >= seq) return;
  localStorage.setItem(KEY, JSON.stringify({ ...marks, [roomId]: seq }));
}
