import { dayKey, dayOf } from "./format.js";
import { readable } from "./room.js";

const GROUPED_MS = 5 * 60_000;

/**
 * What a room's timeline shows, top to bottom: day separators, messages, then what is
 * written and not yet accepted. A row keeps its key when its message is accepted.
 *
 * @param {import("./room.js").RoomModel} model
 * @param {import("./store.js").State} state
 * @returns {{key: string, kind: "day" | "message"}[]}
 */
export function timelineOf(model, { me, outbox }) {
  const written = outbox.filter(({ roomId }) => roomId === model.room.id);
  const rows = [
    ...readable(model).map((message) => accepted(message, me)),
    ...written.map((item) => pending(item, me)),
  ];
  return rows.flatMap((row, index) => {
    const [before, after] = [rows[index - 1], rows[index + 1]];
    const isNewDay = dayKey(row.at) !== (before && dayKey(before.at));
    const isFirst = isNewDay || !isTogether(before, row);
    const isLast = !after || !isTogether(row, after);
    const isNamed = isFirst && !row.isMine && model.room.kind === "group";
    const shown = { ...row, isFirst, isLast, isNamed };
    return isNewDay ? [dayRow(row.at), shown] : [shown];
  });
}

function accepted(message, me) {
  return {
    key: `${message.sender.id} ${message.clientId}`,
    kind: "message",
    id: message.id,
    sender: message.sender,
    isMine: message.sender.id === me.id,
    content: message.content,
    at: message.createdAt,
    isEdited: Boolean(message.editedAt),
    isDeleted: Boolean(message.deletedAt),
    status: "sent",
  };
}

function pending({ clientId, content, createdAt, refusal }, me) {
  return {
    key: `${me.id} ${clientId}`,
    kind: "message",
    clientId,
    sender: me,
    isMine: true,
    content,
    at: createdAt,
    status: refusal === null ? "pending" : "failed",
    refusal,
  };
}

const dayRow = (at) => ({ key: `day ${dayKey(at)}`, kind: "day", label: dayOf(at) });

function isTogether(earlier, later) {
  return (
    earlier.sender.id === later.sender.id &&
    dayKey(earlier.at) === dayKey(later.at) &&
    Math.abs(new Date(later.at) - new Date(earlier.at)) < GROUPED_MS
  );
}
