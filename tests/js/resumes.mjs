// One stock client that is left to itself; prints what it lives through, a line of JSON each.
// usage: node resumes.mjs URL TOKEN     (ends when it has been greeted twice)

import { io } from "socket.io-client";

const [url, token] = process.argv.slice(2);
const socket = io(url, { auth: { token }, reconnectionDelay: 100, reconnectionDelayMax: 500 });
let greetings = 0;

setTimeout(() => process.exit(1), 60_000).unref();
socket.on("session:moving", (data) => print("session:moving", data));
socket.on("session:closing", (data) => print("session:closing", data));
socket.on("disconnect", (reason) => print("disconnect", { reason }));
socket.on("session:ready", () => {
  print("session:ready", {});
  greetings += 1;
  if (greetings === 2) socket.disconnect();
});

function print(event, data) {
  console.log(JSON.stringify([event, data]));
}
