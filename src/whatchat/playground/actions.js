import { isAdmin } from "./room.js";
import { randomId } from "./random.js";
import { openNewGroup } from "./views/newgroup.js";
import { openPublicRooms } from "./views/publicrooms.js";
import { openSettings } from "./views/settings.js";
import { toast } from "./views/toast.js";

/**
 * What people can do at the page.
 *
 * @param {{store: import("./store.js").Store, api: import("./api.js").Api,
 *   session: import("./session.js").Session, outbox: import("./outbox.js").Outbox,
 *   history: import("./history.js").History, connection: () => object}} parts
 */
export function actionsOf({ store, api, session, outbox, history, connection }) {
  const room = roomActions(store, api);
  const people = peopleActions(store, api, session);
  const said = messageActions({ store, api, outbox, history, connection, open: room.openRoom });
  const signOut = async () => {
    await api.logout().catch(() => null);
    session.end();
  };
  const actions = { ...room, ...people, ...said, signOut };
  actions.openSettings = () => openSettings(store.state, actions);
  return actions;
}

function roomActions(store, api) {
  const openRoom = (roomId) => {
    location.hash = `#/rooms/${roomId}`;
  };
  const show = async (answer) => {
    const room = await answer;
    store.dispatch({ type: "room-shown", room });
    openRoom(room.id);
  };
  const isMember = (roomId) => store.state.rooms.has(roomId);
  return {
    openRoom,
    closeRoom: () => {
      location.hash = "";
    },
    users: (text) => api.users(text),
    members: (roomId, after) => api.members(roomId, after),
    addMembers: (roomId, userIds) => api.addMembers(roomId, userIds),
    removeMember: (roomId, userId) => api.removeMember(roomId, userId),
    setAdmin: (roomId, userId, makes) => api.setAdmin(roomId, userId, makes),
    updateRoom: (roomId, fields) => api.updateRoom(roomId, fields),
    leave: (roomId) => api.removeMember(roomId, store.state.me.id),
    startDirect: ({ id }) => show(api.createRoom({ kind: "direct", participants: [id] })),
    newGroup: () => {
      const clientId = randomId();
      const create = (fields) => show(api.createRoom({ kind: "group", clientId, ...fields }));
      openNewGroup({ me: store.state.me, users: (text) => api.users(text), create });
    },
    browsePublic: () =>
      openPublicRooms({
        me: store.state.me,
        isMember,
        find: (text, after) => api.publicRooms(text, after),
        enter: async ({ id }) => (isMember(id) ? openRoom(id) : show(api.joinRoom(id))),
      }),
  };
}

function peopleActions(store, api, session) {
  return {
    block: async (user) => {
      await api.block(user.id);
      store.dispatch({ type: "blocked", user });
    },
    unblock: async ({ id }) => {
      await api.unblock(id);
      store.dispatch({ type: "unblocked", userId: id });
    },
    blocks: () => api.blocks(),
    report: (fields) => api.report(fields),
    devices: () => api.devices(),
    signOutDevice: (deviceId) => api.signOutDevice(deviceId),
    profile: () => api.me(),
    updateMe: async (fields) => {
      const profile = await api.updateMe(fields);
      store.dispatch({ type: "profile-read", profile });
      const { id, username, displayName } = profile;
      session.renameTo({ id, username, displayName });
      return profile;
    },
  };
}

function messageActions({ store, api, outbox, history, connection, open }) {
  const change = (event, data) => connection().change(event, data);
  const reveal = async (roomId, messageId, seq) => {
    if (store.state.openRoomId !== roomId) open(roomId);
    if (!(await history.find(roomId, messageId, seq))) toast("That message cannot be shown.");
  };
  return {
    write: (roomId, content, replyTo) => {
      store.dispatch({ type: "past-left", roomId });
      outbox.write(roomId, content, replyTo);
    },
    retry: (clientId) => store.dispatch({ type: "retry-asked", clientId }),
    drop: (clientId) => store.dispatch({ type: "dropped", clientId }),
    edit: (messageId, content) =>
      change("message:edit", { messageId, content, clientId: randomId() }),
    erase: (messageId) => change("message:delete", { messageId }),
    react: (messageId, emoji, isOn) =>
      change(isOn ? "reaction:add" : "reaction:remove", { messageId, emoji }),
    mayErase: (message, room) =>
      message.sender.id === store.state.me.id || isAdmin(room, store.state.me),
    reveal,
    findMessages: (text, scope) => api.search(text, scope),
    loadOlder: (roomId) => history.older(roomId),
    loadNewer: (roomId) => history.newer(roomId),
    toLatest: (roomId) => store.dispatch({ type: "past-left", roomId }),
    inView: (roomId, seq) => store.dispatch({ type: "read-here", roomId, seq }),
  };
}
