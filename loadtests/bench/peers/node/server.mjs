// Node's socket.io under the benchmark's load: node server.mjs SECRET [REDIS_URL]

import { createSecretKey } from "node:crypto";
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import jwt from "jsonwebtoken";
import { createClient } from "redis";
import { Server } from "socket.io";

// As a string, jsonwebtoken would first try to read it as a public key, at 0.4 ms a token.
const secret = createSecretKey(Buffer.from(process.argv[2]));
const checks = { algorithms: ["HS256"], issuer: "whatchat", audience: "whatchat" };

async function redisAdapter(url) {
  // The adapter leaves what it publishes to itself: one command that timed out, after the client's
  // usual 5 s, would end the process.
  const publisher = createClient({ url, commandOptions: { timeout: undefined } });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  return createAdapter(publisher, subscriber);
}

const redisUrl = process.argv[3];
const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
  ...(redisUrl && { adapter: await redisAdapter(redisUrl) }),
});
const revs = new Map();

io.use((socket, next) => {
  try {
    socket.data.userId = jwt.verify(socket.handshake.auth.token, secret, checks).sub;
    next();
  } catch {
    next(new Error("unauthenticated"));
  }
});

io.on("connection", (socket) => {
  const { userId } = socket.data;
  const roomId = userId.split("-")[1];
  socket.join(roomId);
  socket.emit("session:ready", {
    userId,
    sessionId: socket.id,
    rooms: [{ roomId, rev: revs.get(roomId) ?? 0 }],
  });
  socket.on("message:send", ({ at, text }, ack) => {
    const rev = (revs.get(roomId) ?? 0) + 1;
    revs.set(roomId, rev);
    io.to(roomId).emit("message:new", { at, roomId, rev, text });
    ack({ ok: true, data: { rev } });
  });
});

http.listen({ host: "127.0.0.1", port: 0, backlog: 2048 }, () => {
  console.log(`listening on ${http.address().port}`);
});
