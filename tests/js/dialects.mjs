// Two people talk in each of the two older vocabularies; prints what happened as JSON.
// usage: node dialects.mjs URL

import { once } from "node:events";
import { io } from "socket.io-client";

const [url] = process.argv.slice(2);
const PATIENCE_MS = 10_000;
const sockets = [];

setTimeout(() => fail(new Error("the conversations took more than 60 s")), 60_000).unref();
process.on("unhandledRejection", fail);

const report = { chat: await chat(), classic: await classic() };
for (const socket of sockets) socket.disconnect();
console.log(JSON.stringify(report));

async function chat() {
  const { alice, bob, byAlice, byBob, heard } = await couple("chat");
  const room = await rest(alice, "rooms", { kind: "direct", participants: [bob.user.id] });
  const chatId = room.id;

  const news = [next(byBob, "message:new"), next(byAlice, "message:new")];
  byAlice.emit("message:send", { chatId, content: "Hello from JavaScript 👋", messageType: "text" });
  const [said, echo] = await Promise.all(news);

  const typing = await after(byBob, "typing:start", { chatId }, byAlice, "typing:start");
  const stopped = await after(byBob, "typing:stop", { chatId }, byAlice, "typing:stop");
  const reading = { messageId: said.id, chatId };
  const read = await after(byBob, "message:read", reading, byAlice, "message:read");

  const claim = { chatId, userId: bob.user.id };
  const refused = await byAlice.timeout(PATIENCE_MS).emitWithAck("typing:start", claim);
  const error = await after(byAlice, "typing:start", claim, byAlice, "error");
  return { alice: alice.user, bob: bob.user, said, echo, typing, stopped, read, refused, error, heard };
}

async function classic() {
  const { alice, bob, byAlice, byBob, heard } = await couple("classic");
  const settings = { isPrivate: false };
  const room = await rest(alice, "rooms", { kind: "group", name: "All", participants: [], settings });
  const mine = { roomId: room.id, userId: bob.user.id };

  const joined = await after(byBob, "join_room", mine, byAlice, "user_joined");
  const message = { message: "Hello", roomId: room.id, timestamp: new Date().toISOString() };
  const said = await after(byAlice, "send_message", message, byBob, "message_received");
  const typing = await after(byBob, "typing_start", mine, byAlice, "typing_indicator");
  const stopped = await after(byBob, "typing_stop", mine, byAlice, "typing_indicator");

  const refused = await byAlice.timeout(PATIENCE_MS).emitWithAck("typing_start", mine);
  const error = await after(byAlice, "typing_start", mine, byAlice, "error");
  return { alice: alice.user, bob: bob.user, joined, said, typing, stopped, refused, error, heard };
}

async function couple(dialect) {
  const [alice, bob] = [await register("alice"), await register("bob")];
  const heard = [];
  const [byAlice, byBob] = [alice, bob].map(({ accessToken: token }) => {
    const socket = io(url, { auth: { token, dialect }, forceNew: true, reconnection: false });
    sockets.push(socket);
    socket.onAny((event) => heard.push(event));
    return socket;
  });
  await Promise.all([next(byAlice, "session:ready"), next(byBob, "session:ready")]);
  return { alice, bob, byAlice, byBob, heard };
}

// What `hearer` hears once `speaker` has said something, without an ack as such clients do.
async function after(speaker, event, data, hearer, name) {
  const news = next(hearer, name);
  speaker.emit(event, data);
  return news;
}

async function register(name) {
  const username = `${name}.${Math.random().toString(36).slice(2, 10)}`;
  return post("auth/register", { username, password: "correct horse battery staple" });
}

function rest(person, path, body) {
  return post(path, body, { authorization: `Bearer ${person.accessToken}` });
}

async function post(path, body, headers = {}) {
  const response = await fetch(`${url}/api/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  if (response.status !== 201) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

async function next(socket, event) {
  const [data] = await once(socket, event, { signal: AbortSignal.timeout(PATIENCE_MS) });
  return data;
}

function fail(error) {
  console.error(error);
  process.exit(1);
}
