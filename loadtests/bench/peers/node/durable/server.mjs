// A chat backend as people build it on Node: Express, Socket.IO with its Redis adapter, Mongoose.
// It is configured by STORE_URL, REDIS_URL, JWT_SECRET, PORT and PING_INTERVAL_MS.

import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import express from "express";
import { createClient } from "redis";
import { Server } from "socket.io";
import { send } from "./messages.mjs";
import { connectStore } from "./models.mjs";
import { authentication, greet } from "./sessions.mjs";

const { STORE_URL, REDIS_URL, JWT_SECRET, PORT, PING_INTERVAL_MS = "25000" } = process.env;

// The adapter leaves what it publishes to itself: one command that failed, or timed out after the
// client's usual 5 s, would end the process.
const publisher = createClient({ url: REDIS_URL, commandOptions: { timeout: undefined } });
const subscriber = publisher.duplicate();
for (const client of [publisher, subscriber]) client.on("error", console.error);
process.on("unhandledRejection", console.error);
await Promise.all([connectStore(STORE_URL), publisher.connect(), subscriber.connect()]);

const app = express();
app.get("/readyz", (_request, response) => response.json({ ready: true }));

const http = createServer(app);
const io = new Server(http, {
  adapter: createAdapter(publisher, subscriber),
  transports: ["websocket"],
  pingInterval: Number(PING_INTERVAL_MS),
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
});
// As the manual advises for memory: nobody looks at the first request again.
io.engine.on("connection", (connection) => {
  connection.request = null;
});

io.use(authentication(JWT_SECRET));
io.on("connection", (socket) => {
  socket.on("message:send", (command, ack) => send(socket, command, ack));
  greet(socket).catch(() => socket.disconnect(true));
});

http.listen({ host: "127.0.0.1", port: Number(PORT), backlog: 2048 });
