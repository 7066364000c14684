const READERS = {
  "receipt:delivered": ({ roomId, userId, seq }) =>
    reached(roomId, { userId, deliveredSeq: seq }),
  "receipt:read": ({ roomId, userId, seq }) => reached(roomId, { userId, readSeq: seq }),
  "receipt:summary": ({ roomId, ...summary }) => ({ type: "receipt-summary", roomId, summary }),
  "typing:start": (data) => typing(data, true),
  "typing:stop": (data) => typing(data, false),
  "user:status": (user) => ({ type: "presence-told", users: [user] }),
};

/**
 * The store's event for what the server tells about people; such news has no place in a room's
 * order.
 *
 * @returns {{type: string} | null} null for everything else
 */
export const newsOf = (name, data) => (data && READERS[name]?.(data)) ?? null;

const reached = (roomId, receipt) => ({ type: "receipts", roomId, receipts: [receipt] });

const typing = ({ roomId, userId, username }, isTyping) => ({
  type: "typing-told",
  roomId,
  userId,
  username,
  isTyping,
  now: Date.now(),
});
