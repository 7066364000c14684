const PAUSE_MS = 500;
const RETRY_MS = 3_000;

/** Asks the server how much is unread where too little is held here to count it. */
export class Recounter {
  #timer = null;

  /**
   * @param {import("./store.js").Store} store
   * @param {import("./api.js").Api} api
   */
  constructor(store, api) {
    this.store = store;
    this.api = api;
  }

  /** Look at what has changed. */
  notice(state) {
    if (this.#timer !== null || !unsureIn(state).length) return;
    this.#timer = setTimeout(() => this.#ask(), PAUSE_MS);
  }

  /** Ask nothing any more. */
  stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  /** An answer about another moment than what is held changes nothing, and is asked for again. */
  async #ask() {
    const timer = this.#timer;
    for (const roomId of unsureIn(this.store.state)) {
      const room = await this.api.room(roomId).catch(() => null);
      if (this.#timer !== timer) return;
      if (room) this.store.dispatch({ type: "unread-told", roomId, room });
    }
    const isDue = unsureIn(this.store.state).length > 0;
    this.#timer = isDue ? setTimeout(() => this.#ask(), RETRY_MS) : null;
  }
}

const unsureIn = ({ link, rooms }) =>
  link === "online" ? [...rooms.keys()].filter((roomId) => rooms.get(roomId).unsure) : [];
