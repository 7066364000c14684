import { hasExpired } from "./messages.js";

const TYPING_MS = 6_000;

/**
 * What events do to what is known of people: who is there, who is writing, who is blocked.
 *
 * Nobody types for longer than six seconds without saying so again.
 */
export const peopleHandlers = {
  "presence-told": (state, { users }) => {
    const presence = new Map(state.presence);
    for (const { userId, status, lastSeen } of users) presence.set(userId, { status, lastSeen });
    return { ...state, presence };
  },
  "typing-told": (state, { roomId, userId, username, isTyping, now }) => {
    const others = (state.typing.get(roomId) ?? []).filter((one) => one.userId !== userId);
    if (userId === state.me?.id) return state;
    const until = now + TYPING_MS;
    return setTyping(state, roomId, isTyping ? [...others, { userId, username, until }] : others);
  },
  "time-passed": (state, { now }) => {
    const rooms = [...state.typing].map(([roomId, who]) => [
      roomId,
      who.filter(({ until }) => until > now),
    ]);
    return { ...state, now, typing: new Map(rooms.filter(([, who]) => who.length)) };
  },
  "blocks-listed": (state, { users }) => ({
    ...state,
    blocks: new Map(users.map((user) => [user.id, user])),
  }),
  blocked: (state, { user }) => ({ ...state, blocks: new Map(state.blocks).set(user.id, user) }),
  unblocked: (state, { userId }) => {
    const blocks = new Map(state.blocks);
    blocks.delete(userId);
    return { ...state, blocks };
  },
  "profile-read": (state, { profile }) => ({ ...state, me: { ...state.me, ...profile } }),
};

/** With somebody no longer writing in a room: what was written has arrived. */
export function notTypingAny(state, roomId, userId) {
  const who = state.typing.get(roomId);
  if (!who?.some((one) => one.userId === userId)) return state;
  return setTyping(
    state,
    roomId,
    who.filter((one) => one.userId !== userId),
  );
}

/** The next time at which something stops by itself, or null. */
export function nextDeadline({ typing, rooms, openRoomId, now }) {
  const times = [...typing.values()].flat().map(({ until }) => until);
  const open = rooms.get(openRoomId);
  for (const message of open ? [...open.messages, ...(open.past?.messages ?? [])] : []) {
    if (message.expiresAt && !hasExpired(message, now)) times.push(Date.parse(message.expiresAt));
  }
  return times.length ? Math.min(...times) : null;
}

function setTyping(state, roomId, who) {
  const typing = new Map(state.typing);
  if (who.length) typing.set(roomId, who);
  else typing.delete(roomId);
  return { ...state, typing };
}
