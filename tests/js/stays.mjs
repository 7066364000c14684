// Stock clients that are left to themselves; prints what they live through, a line of JSON each:
// [milliseconds, client, what, why].
// usage: node stays.mjs URL TOKEN CLIENTS     (ends when its input does)

import { io } from "socket.io-client";

const [url, token, clients] = process.argv.slice(2);
const begun = performance.now();
const sockets = Array.from({ length: Number(clients) }, (_, number) => stay(number));

process.stdin.resume();
process.stdin.on("end", leave);

// The library's own defaults: polling first, upgraded, and made again whenever it breaks; with cookies.
function stay(number) {
  const socket = io(url, { auth: { token }, forceNew: true, withCredentials: true });
  const tell = (what, why = "") => print(number, what, why);
  socket.on("session:ready", () => tell("ready"));
  socket.on("session:moving", ({ reconnectAfterMs }) => tell("moving", String(reconnectAfterMs)));
  socket.on("disconnect", (reason) => tell("gone", reason));
  socket.on("connect_error", (error) => tell("barred", error.message));
  return socket;
}

function leave() {
  for (const socket of sockets) socket.off("disconnect").disconnect();
  process.exit(0);
}

function print(number, what, why) {
  console.log(JSON.stringify([Math.round(performance.now() - begun), number, what, why]));
}
