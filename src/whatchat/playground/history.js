const PAGE = 50;
const MOST_PAGES = 20;

/** Reads what was said before, for the store. */
export class History {
  /**
   * @param {import("./store.js").Store} store
   * @param {import("./api.js").Api} api
   */
  constructor(store, api) {
    this.store = store;
    this.api = api;
  }

  /** The page before what is shown, or the latest one. */
  async older(roomId) {
    const { past, floor } = this.store.state.rooms.get(roomId);
    if (past) {
      const before = past.messages[0].seq;
      await this.#turn(roomId, "past", { before }, "older-loaded");
    } else await this.#turn(roomId, "history", { before: floor ?? undefined }, "history-loaded");
  }

  /** The page after what is shown, far from the end. */
  async newer(roomId) {
    const { past } = this.store.state.rooms.get(roomId);
    if (past) await this.#turn(roomId, "past", { after: past.messages.at(-1).seq }, "newer-loaded");
  }

  /**
   * Have a message shown, wherever it is; `seq` helps to find it.
   *
   * @returns {Promise<boolean>} false if it cannot be found
   */
  async find(roomId, messageId, seq) {
    if (!this.#holds(roomId, messageId)) {
      if (seq) await this.#around(roomId, seq);
      else await this.#backTo(roomId, messageId);
    }
    const found = this.#holds(roomId, messageId);
    if (found) this.store.dispatch({ type: "focus-asked", roomId, messageId });
    return found;
  }

  #holds(roomId, messageId) {
    const model = this.store.state.rooms.get(roomId);
    const shown = model?.past?.messages ?? model?.messages ?? [];
    return shown.some(({ id }) => id === messageId);
  }

  async #around(roomId, seq) {
    const page = await this.api.messages(roomId, { before: seq + PAGE / 2, limit: PAGE });
    this.store.dispatch({ type: "past-opened", roomId, page });
  }

  async #backTo(roomId, messageId) {
    for (let pages = 0; pages < MOST_PAGES && !this.#holds(roomId, messageId); pages += 1) {
      const model = this.store.state.rooms.get(roomId);
      if (!model || model.loading || !(model.past ?? model).hasMore) return;
      await this.older(roomId);
    }
  }

  async #turn(roomId, what, where, done) {
    this.store.dispatch({ type: `${what}-requested`, roomId });
    try {
      const page = await this.api.messages(roomId, { ...where, limit: PAGE });
      this.store.dispatch({ type: done, roomId, page });
    } catch {
      this.store.dispatch({ type: `${what}-failed`, roomId });
    }
  }
}
