// Who somebody is, and the rooms that a new connection is put into.

import { createSecretKey } from "node:crypto";
import jwt from "jsonwebtoken";
import { Room, User } from "./models.mjs";

const checks = { algorithms: ["HS256"], issuer: "whatchat", audience: "whatchat" };

export function authentication(secretText) {
  // As a string, jsonwebtoken would first try to read it as a public key, at 0.4 ms a token.
  const secret = createSecretKey(Buffer.from(secretText));
  return async (socket, next) => {
    try {
      const { sub } = jwt.verify(socket.handshake.auth.token, secret, checks);
      const user = await User.findById(sub).lean();
      if (!user) throw new Error("nobody has this id");
      const { _id: id, username, displayName } = user;
      socket.data.user = { id, username, displayName };
      next();
    } catch {
      next(new Error("unauthenticated"));
    }
  };
}

export async function greet(socket) {
  const userId = socket.data.user.id;
  const rooms = await Room.find({ members: userId }, { seq: 1 }).lean();
  await socket.join(rooms.map(({ _id }) => _id));
  socket.emit("session:ready", {
    userId,
    sessionId: socket.id,
    rooms: rooms.map(({ _id, seq }) => ({ roomId: _id, rev: seq })),
    serverTime: new Date().toISOString(),
  });
}
