// Two people talk through the official Socket.IO client; prints what happened as JSON.
// usage: node conversation.mjs URL TRANSPORTS     (such as "websocket,polling": tried in that order)

import { once } from "node:events";
import { io } from "socket.io-client";

const [url, transportList] = process.argv.slice(2);
const transports = transportList.split(",");
const PATIENCE_MS = 10_000;
const sockets = [];

setTimeout(() => fail(new Error("the conversation took more than 60 s")), 60_000).unref();
process.on("unhandledRejection", fail);

const alice = await register("alice");
const bob = await register("bob");
const report = {
  alice: alice.user,
  bob: bob.user,
  refused: await refusal({ token: "not-a-token" }),
  anonymous: await refusal({}),
  ...(await converse()),
};
for (const socket of sockets) socket.disconnect();
console.log(JSON.stringify(report));

async function converse() {
  const phone = await connect(alice);
  const laptop = await connect(alice);
  const peer = await connect(bob);

  const invitation = next(peer, "room:created");
  const created = await ask(phone, "room:create", { kind: "direct", participants: [bob.user.id] });
  const room = created.data.room;
  const invited = await invitation;

  const first = message(room.id, "Hello from JavaScript 👋");
  const heard = [next(peer, "message:new"), next(laptop, "message:new")];
  const accepted = await ask(phone, "message:send", first);
  const [byPeer, byLaptop] = await Promise.all(heard);

  const repeated = await ask(phone, "message:send", first);
  const conflicting = await ask(phone, "message:send", { ...first, content: "Something else" });
  const invalid = await ask(phone, "message:send", { roomId: room.id, content: 5 });

  const answer = next(phone, "message:new");
  const answered = await ask(peer, "message:send", message(room.id, "And hello from Bob"));
  await answer;

  return {
    transports: { first: peer.firstTransport, settled: await settledTransport(peer) },
    ready: peer.ready[0],
    created,
    invited,
    accepted,
    byPeer,
    byLaptop,
    repeated,
    conflicting,
    invalid,
    answered,
    resumed: await loseAndResume(phone, peer, room.id, answered.data.message.rev),
    restored: await loseAndRecover(peer),
    heardByPhone: phone.heard,
    heardByPeer: peer.heard,
  };
}

// The transport breaks; what is said meanwhile is caught up with by the cursor.
async function loseAndResume(phone, peer, roomId, cursor) {
  const readyAgain = next(peer, "session:ready");
  const lost = next(peer, "disconnect");
  peer.io.engine.close();
  const reason = await lost;
  const missed = [];
  for (const content of ["One", "Two", "Three"]) {
    missed.push((await ask(phone, "message:send", message(roomId, content))).data.message.id);
  }
  peer.connect();
  const ready = await readyAgain;
  const synced = await ask(peer, "sync", { cursors: { [roomId]: cursor } });
  const live = next(peer, "message:new");
  const after = await ask(phone, "message:send", message(roomId, "Live again"));
  return { reason, missed, ready, synced, after, live: await live };
}

// The transport breaks, and the client comes back by itself.
async function loseAndRecover(peer) {
  peer.io.reconnection(true).reconnectionDelay(50);
  const readyAgain = next(peer, "session:ready");
  peer.io.engine.close();
  return readyAgain;
}

async function register(name) {
  const username = `${name}.${Math.random().toString(36).slice(2, 10)}`;
  const response = await fetch(`${url}/api/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username, password: "correct horse battery staple" }),
  });
  if (response.status !== 201) throw new Error(`register: ${response.status}`);
  return response.json();
}

function open(auth) {
  // Coming back is asked for, so that what the other says meanwhile is surely missed.
  const socket = io(url, { auth, transports, forceNew: true, reconnection: false });
  sockets.push(socket);
  return socket;
}

async function connect(person) {
  const socket = open({ token: person.accessToken });
  socket.ready = [];
  socket.heard = [];
  socket.on("session:ready", (ready) => socket.ready.push(ready));
  socket.onAny((event, data) => {
    if (event.startsWith("message:")) socket.heard.push({ event, rev: data.rev });
  });
  socket.io.engine.once("open", () => {
    socket.firstTransport = socket.io.engine.transport.name;
  });
  await next(socket, "session:ready");
  return socket;
}

async function refusal(auth) {
  const [error] = await once(open(auth), "connect_error", patience());
  return { message: error.message, data: error.data };
}

async function settledTransport(socket) {
  const { engine } = socket.io;
  if (transports.includes("websocket") && engine.transport.name !== "websocket") {
    await once(engine, "upgrade", patience());
  }
  return engine.transport.name;
}

function ask(socket, event, data) {
  return socket.timeout(PATIENCE_MS).emitWithAck(event, data);
}

async function next(socket, event) {
  const [data] = await once(socket, event, patience());
  return data;
}

function patience() {
  return { signal: AbortSignal.timeout(PATIENCE_MS) };
}

function message(roomId, content) {
  return { roomId, clientId: crypto.randomUUID(), content };
}

function fail(error) {
  console.error(error);
  process.exit(1);
}
