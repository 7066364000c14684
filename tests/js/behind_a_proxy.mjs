// Stock clients behind a sticky proxy; prints what each lived through, a line of JSON each.
// usage: node behind_a_proxy.mjs URL TOKEN WAY…     (such as "polling,websocket" or "websocket,-cookies")

import { once } from "node:events";
import { io } from "socket.io-client";

const [url, token, ...ways] = process.argv.slice(2);
const ASKED = 5;

setTimeout(() => process.exit(1), 20_000).unref();
const lives = await Promise.all(ways.map(live));
for (const life of lives) console.log(JSON.stringify(life));
process.exit(0);

async function live(way) {
  const transports = way.split(",").filter((word) => !word.startsWith("-"));
  // Outside browsers, credentials are what makes the client keep cookies.
  const withCredentials = !way.includes("-cookies");
  const options = { auth: { token }, transports, withCredentials, forceNew: true };
  const socket = io(url, { ...options, reconnection: false });
  const life = { way, transports: [], answered: 0, errors: [] };
  socket.on("connect_error", (error) => life.errors.push(error.message));
  socket.on("disconnect", (reason) => life.errors.push(reason));
  const { engine } = socket.io;
  engine.once("open", () => life.transports.push(engine.transport.name));
  await Promise.race([once(socket, "session:ready"), once(socket, "connect_error")]);
  if (life.errors.length === 0) await talk(socket, transports, life);
  return life;
}

async function talk(socket, transports, life) {
  const { engine } = socket.io;
  const upgrades = transports.includes("websocket") && engine.transport.name === "polling";
  if (upgrades) await once(engine, "upgrade");
  life.transports.push(engine.transport.name);
  while (life.answered < ASKED) {
    await socket.timeout(10_000).emitWithAck("presence:get", { userIds: [] });
    life.answered += 1;
  }
}
