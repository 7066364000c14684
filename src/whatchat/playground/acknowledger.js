import { isSystem } from "./messages.js";
import { reachOf } from "./receipts.js";

const PAUSE_MS = 300;
const RETRY_MS = 3_000;

/**
 * Tells the server what has arrived here and what has been read: no more than is held without
 * a gap, room after room, what comes close together at once.
 *
 * Where the server keeps content only until it is delivered, arrived is what was looked at:
 * this page keeps nothing beyond a reload.
 */
export class Acknowledger {
  #told = { delivered: new Map(), read: new Map() };
  #checked = new Map();
  #due = new Set();
  #timer = null;

  /**
   * @param {import("./store.js").Store} store
   * @param {(event: string, data: object) => Promise<any>} request
   */
  constructor(store, request) {
    this.store = store;
    this.request = request;
  }

  /** Look at what has changed. */
  notice({ link, rooms, me }) {
    if (link !== "online") return;
    for (const [roomId, model] of rooms) {
      if (this.#checked.get(roomId) === model) continue;
      this.#checked.set(roomId, model);
      if (this.#wanted(model, me).length) this.#due.add(roomId);
    }
    if (this.#due.size) this.#timer ??= setTimeout(() => this.#tell(), PAUSE_MS);
  }

  /** Say nothing any more. */
  stop() {
    clearTimeout(this.#timer);
    this.request = () => Promise.reject(new Error("stopped"));
  }

  async #tell() {
    let pause = PAUSE_MS;
    try {
      for (const roomId of [...this.#due]) await this.#tellRoom(roomId);
    } catch (error) {
      pause = error.retryAfterMs ?? RETRY_MS;
    }
    this.#timer = null;
    if (this.#due.size && this.store.state.link === "online") {
      this.#timer = setTimeout(() => this.#tell(), pause);
    }
  }

  /** More may become due while this is on its way; what fails is due again. */
  async #tellRoom(roomId) {
    const { rooms, me } = this.store.state;
    const model = rooms.get(roomId);
    this.#due.delete(roomId);
    for (const [kind, seq] of model && me ? this.#wanted(model, me) : []) {
      try {
        await this.request(`message:${kind}`, { roomId, seq });
      } catch (error) {
        if (error.retryable !== false) {
          this.#due.add(roomId);
          throw error;
        }
      }
      this.#told[kind].set(roomId, seq);
    }
  }

  /** What is not told yet; reading is told instead of arriving where both are due. */
  #wanted(model, me) {
    const own = reachOf(model, me.id);
    const listed = model.room.participants.find(({ user }) => user.id === me.id);
    const [read, delivered] = [Math.min(own.read, model.cursor), arrived(model, me)];
    const isDue = (kind, seq, known) =>
      seq > Math.max(this.#told[kind].get(model.room.id) ?? 0, known ?? 0);
    const wanted = [];
    if (isDue("read", read, listed?.readSeq)) wanted.push(["read", read]);
    const covered = Math.max(listed?.deliveredSeq ?? 0, model.room.settings.deliverOnly ? 0 : read);
    if (isDue("delivered", delivered, covered)) wanted.push(["delivered", delivered]);
    return wanted;
  }
}

function arrived({ room, lastMessage, cursor, floor }, me) {
  if (!lastMessage || lastMessage.seq > cursor) return 0;
  if (room.settings?.deliverOnly) return floor === null ? 0 : lastMessage.seq;
  return lastMessage.sender.id === me.id || isSystem(lastMessage) ? 0 : lastMessage.seq;
}
