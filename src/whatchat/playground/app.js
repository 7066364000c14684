import { Api } from "./api.js";
import { Connection } from "./connection.js";
import { Outbox, storedOutbox } from "./outbox.js";
import { randomId } from "./random.js";
import { markRead, readMarks } from "./readmarks.js";
import { titleOf } from "./room.js";
import { Session } from "./session.js";
import { Store } from "./store.js";
import { fill } from "./dom.js";
import { openNewGroup } from "./views/newgroup.js";
import { openPublicRooms } from "./views/publicrooms.js";
import { shellView } from "./views/shell.js";
import { signInView } from "./views/signin.js";

const ROOM_HASH = /^#\/rooms\/([\w-]+)$/;

const root = document.getElementById("app");
const store = new Store();
const session = new Session(showSignIn);
const api = new Api(session);
const outbox = new Outbox(store, (item) => connection.send(item));

/** @type {Connection} while somebody is signed in */
let connection;
let shell;

const actions = {
  users: (text) => api.users(text),
  members: (roomId, after) => api.members(roomId, after),
  addMembers: (roomId, userIds) => api.addMembers(roomId, userIds),
  removeMember: (roomId, userId) => api.removeMember(roomId, userId),
  setAdmin: (roomId, userId, isAdmin) => api.setAdmin(roomId, userId, isAdmin),
  leave: (roomId) => api.removeMember(roomId, store.state.me.id),
  openRoom: (roomId) => {
    location.hash = `#/rooms/${roomId}`;
  },
  closeRoom: () => {
    location.hash = "";
  },
  startDirect: ({ id }) => showRoom(api.createRoom({ kind: "direct", participants: [id] })),
  newGroup: () => {
    const clientId = randomId();
    const create = (fields) => showRoom(api.createRoom({ kind: "group", clientId, ...fields }));
    openNewGroup({ me: store.state.me, users: actions.users, create });
  },
  browsePublic: () => {
    const isMember = (roomId) => store.state.rooms.has(roomId);
    const enter = (room) =>
      isMember(room.id) ? actions.openRoom(room.id) : showRoom(api.joinRoom(room.id));
    openPublicRooms({
      me: store.state.me,
      isMember,
      find: (text, after) => api.publicRooms(text, after),
      enter: async (room) => enter(room),
    });
  },
  write: (roomId, content) => outbox.write(roomId, content),
  retry: (clientId) => store.dispatch({ type: "retry-asked", clientId }),
  loadOlder: (roomId) => loadHistory(roomId),
  signOut: async () => {
    await api.logout().catch(() => null);
    session.end();
  },
};

async function showRoom(answer) {
  const room = await answer;
  store.dispatch({ type: "room-shown", room });
  actions.openRoom(room.id);
}

async function listRooms() {
  let after;
  do {
    const { rooms, next } = await api.rooms(after);
    store.dispatch({ type: "rooms-listed", listed: rooms, marks: readMarks(), isLast: !next });
    after = next;
  } while (after);
}

async function loadHistory(roomId) {
  const { floor } = store.state.rooms.get(roomId);
  store.dispatch({ type: "history-requested", roomId });
  try {
    const page = await api.messages(roomId, floor ?? undefined);
    store.dispatch({ type: "history-loaded", roomId, page });
  } catch {
    store.dispatch({ type: "history-failed", roomId });
  }
}

function render(state) {
  if (!state.me) return;
  const open = state.rooms.get(state.openRoomId);
  if (open?.floor === null && !open.loading && !open.failed) loadHistory(open.room.id);
  if (open?.lastMessage && state.visible) markRead(open.room.id, open.lastMessage.seq);
  document.title = titleFor(state, open);
  shell.render(state);
}

function titleFor({ rooms, me }, open) {
  const unread = [...rooms.values()].filter((model) => model.unread > 0).length;
  const name = open ? `${titleOf(open.room, me)} · Whatchat` : "Whatchat";
  return unread ? `(${unread}) ${name}` : name;
}

function route() {
  const [, roomId = null] = ROOM_HASH.exec(location.hash) ?? [];
  store.dispatch({ type: "room-opened", roomId });
}

async function signIn(answer) {
  session.keep(await answer);
  showShell();
}

function showSignIn() {
  connection?.stop();
  connection = undefined;
  store.dispatch({ type: "signed-out" });
  document.title = "Whatchat";
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  fill(
    root,
    signInView({
      register: (fields) => signIn(api.register(fields)),
      login: (fields) => signIn(api.login(fields)),
    }),
  );
}

function showShell() {
  const me = session.current.user;
  store.dispatch({ type: "signed-in", me, outbox: storedOutbox(me) });
  route();
  shell = shellView(actions);
  shell.render(store.state);
  fill(root, shell.node);
  connection = new Connection({ session, store, listRooms });
  connection.start();
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
