import { partnerOf } from "./room.js";

const MOST = 500;
const MOST_WATCHED = 100;

/**
 * Keeps up with who is there: the people of direct rooms, of whom the server tells by itself,
 * and those in the open group, who have to be watched for.
 */
export class Watcher {
  #asked = new Map();
  #watched = new Set();
  #open = null;
  #rooms = null;

  /**
   * @param {import("./store.js").Store} store
   * @param {(event: string, data: object) => Promise<any>} request
   */
  constructor(store, request) {
    this.store = store;
    this.request = request;
  }

  /** Look at what has changed. A connection that is new knows of nobody. */
  notice(state) {
    if (state.link !== "online") {
      this.#asked.clear();
      this.#watched.clear();
      this.#rooms = this.#open = null;
      return;
    }
    const open = state.rooms.get(state.openRoomId)?.room;
    if (state.rooms === this.#rooms && open === this.#open) return;
    const isOther = open !== this.#open;
    [this.#rooms, this.#open] = [state.rooms, open];
    const peers = peersOf(state);
    this.#askFor(peers);
    if (isOther) this.#watch(strangersIn(open, peers, state.me));
  }

  /** Once for each, and again when they first write: from then on one may be a contact. */
  #askFor(peers) {
    const isNews = ([id, wrote]) => !this.#asked.has(id) || (wrote && !this.#asked.get(id));
    const fresh = [...peers].filter(isNews).slice(0, MOST);
    for (const [id, wrote] of fresh) this.#asked.set(id, wrote);
    if (fresh.length) this.#tell("presence:get", fresh.map(([id]) => id));
  }

  #watch(wanted) {
    const gone = [...this.#watched].filter((id) => !wanted.has(id));
    const fresh = [...wanted].filter((id) => !this.#watched.has(id));
    this.#watched = wanted;
    if (gone.length) this.#tell("presence:unwatch", gone);
    if (fresh.length) this.#tell("presence:watch", fresh);
  }

  async #tell(event, userIds) {
    const answer = await this.request(event, { userIds }).catch(() => null);
    if (answer?.users?.length && event !== "presence:unwatch") {
      this.store.dispatch({ type: "presence-told", users: answer.users });
    }
  }
}

/** The people of direct rooms, and of each whether the latest message there is theirs. */
function peersOf({ rooms, me }) {
  const peers = new Map();
  for (const { room, lastMessage } of rooms.values()) {
    const id = room.kind === "direct" ? partnerOf(room, me).id : me.id;
    if (id !== me.id) peers.set(id, lastMessage?.sender.id === id);
  }
  return peers;
}

function strangersIn(room, peers, me) {
  if (room?.kind !== "group") return new Set();
  const people = room.participants.map(({ user }) => user.id);
  const others = people.filter((id) => id !== me.id && !peers.has(id));
  return new Set(others.slice(0, MOST_WATCHED));
}
