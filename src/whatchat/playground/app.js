import { Acknowledger } from "./acknowledger.js";
import { actionsOf } from "./actions.js";
import { Api } from "./api.js";
import { Clock } from "./clock.js";
import { Connection } from "./connection.js";
import { fill } from "./dom.js";
import { History } from "./history.js";
import { Outbox, storedOutbox } from "./outbox.js";
import { titleOf } from "./room.js";
import { Recounter } from "./recounter.js";
import { Session } from "./session.js";
import { Store } from "./store.js";
import { Typist } from "./typist.js";
import { Watcher } from "./watcher.js";
import { shellView } from "./views/shell.js";
import { signInView } from "./views/signin.js";

const ROOM_HASH = /^#\/rooms\/([\w-]+)$/;

const root = document.getElementById("app");
const store = new Store();
const session = new Session(showSignIn);
const api = new Api(session);
const history = new History(store, api);
const outbox = new Outbox(store, (item) => connection.send(item));
const clock = new Clock(store);
const typist = new Typist((event, data) => connection?.tell(event, data));
const actions = actionsOf({ store, api, session, outbox, history, connection: () => connection });
actions.typed = (roomId) => typist.typed(roomId);
actions.stoppedTyping = () => typist.stop();

/** @type {Connection} while somebody is signed in */
let connection;
let companions = [];
let shell;

async function listRooms() {
  let after;
  do {
    const { rooms, next } = await api.rooms(after);
    store.dispatch({ type: "rooms-listed", listed: rooms, isLast: !next });
    after = next;
  } while (after);
}

/** What is told at no other time: oneself and one's blocks may have changed elsewhere. */
async function readOwn() {
  const [profile, users] = await Promise.all([
    api.me().catch(() => null),
    api.blocks().catch(() => null),
  ]);
  if (!store.state.me) return;
  if (profile) store.dispatch({ type: "profile-read", profile });
  if (users) store.dispatch({ type: "blocks-listed", users });
}

function render(state) {
  if (!state.me) return;
  const open = state.rooms.get(state.openRoomId);
  if (open?.floor === null && !open.loading && !open.failed) history.older(open.room.id);
  document.title = titleFor(state, open);
  shell.render(state);
  clock.notice(state);
  for (const one of companions) one.notice(state);
}

function titleFor({ rooms, me }, open) {
  const unread = [...rooms.values()].filter((model) => model.unread > 0).length;
  const name = open ? `${titleOf(open.room, me)} · Whatchat` : "Whatchat";
  return unread ? `(${unread}) ${name}` : name;
}

function route() {
  const [, roomId = null] = ROOM_HASH.exec(location.hash) ?? [];
  typist.stop();
  store.dispatch({ type: "room-opened", roomId });
}

async function signIn(answer) {
  session.keep(await answer);
  showShell();
}

function disconnect() {
  connection?.stop();
  for (const one of companions) one.stop?.();
  connection = undefined;
  companions = [];
}

function showSignIn(notice = "") {
  disconnect();
  store.dispatch({ type: "signed-out" });
  document.title = "Whatchat";
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  fill(
    root,
    signInView(
      {
        register: (fields) => signIn(api.register(fields)),
        login: (fields) => signIn(api.login({ ...fields, deviceName: deviceName() })),
      },
      notice,
    ),
  );
}

function showShell() {
  const me = session.current.user;
  store.dispatch({ type: "signed-in", me, outbox: storedOutbox(me) });
  route();
  shell = shellView(actions);
  shell.render(store.state);
  fill(root, shell.node);
  connection = new Connection({ session, store, listRooms, readOwn });
  const ask = (event, data) => connection.request(event, data);
  companions = [
    new Acknowledger(store, ask),
    new Watcher(store, ask),
    new Recounter(store, api),
  ];
  connection.start();
}

/** What a person would call this browser, such as "Firefox on Linux". */
function deviceName() {
  const agent = navigator.userAgent;
  const browser = ["Edg", "Firefox", "Chrome", "Safari"].find((name) => agent.includes(name));
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac", "Linux"];
  const where = system.find((name) => agent.includes(name));
  const names = { Edg: "Edge" };
  return [names[browser] ?? browser ?? "Browser", where].filter(Boolean).join(" on ");
}

const noticeVisibility = () => {
  store.dispatch({ type: "visibility-changed", visible: document.visibilityState === "visible" });
};

store.subscribe(render);
addEventListener("hashchange", route);
addEventListener("online", () => connection?.hurry());
document.addEventListener("visibilitychange", noticeVisibility);
noticeVisibility();
if (session.current) showShell();
else showSignIn();
