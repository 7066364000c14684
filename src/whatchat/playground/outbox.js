import { randomId } from "./random.js";

const RETRY_MS = 2_000;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const KEY = "whatchat.outbox";

/** What this tab had written and not sent when it was reloaded. */
export function storedOutbox(me) {
  const stored = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  return stored?.userId === me.id ? stored.outbox : [];
}

/**
 * Sends what is written, one after another in the order of writing.
 *
 * An item keeps its `clientId` through every attempt, so however often it is sent it is
 * in the room once. What the server refuses for good stays, marked, until asked for again.
 */
export class Outbox {
  #isBusy = false;
  #stored;

  /**
   * @param {import("./store.js").Store} store
   * @param {(item: object) => Promise<void>} send resolves once the item is accepted and in the store
   */
  constructor(store, send) {
    this.store = store;
    this.send = send;
    this.#stored = store.state.outbox;
    store.subscribe((state) => this.#notice(state));
  }

  /** Queue a text for a room, in answer to another message if `replyTo` names one. */
  write(roomId, content, replyTo) {
    const createdAt = new Date().toISOString();
    const item = { clientId: randomId(), roomId, content, replyTo, createdAt, refusal: null };
    this.store.dispatch({ type: "written", item });
  }

  #notice({ me, outbox }) {
    if (outbox !== this.#stored) this.#store(me, outbox);
    if (!this.#isBusy) this.#drain();
  }

  #store(me, outbox) {
    this.#stored = outbox;
    if (me) sessionStorage.setItem(KEY, JSON.stringify({ userId: me.id, outbox }));
    else sessionStorage.removeItem(KEY);
  }

  async #drain() {
    this.#isBusy = true;
    for (let item = this.#next(); item; item = this.#next()) await this.#attempt(item);
    this.#isBusy = false;
  }

  #next() {
    const { link, outbox } = this.store.state;
    return link === "online" ? outbox.find(({ refusal }) => refusal === null) : undefined;
  }

  async #attempt(item) {
    try {
      await this.send(item);
    } catch (error) {
      if (!error.retryable) this.#refuse(item, error);
      else if (this.store.state.link === "online") await pause(error.retryAfterMs ?? RETRY_MS);
    }
  }

  #refuse({ clientId }, { message }) {
    this.store.dispatch({ type: "refused", clientId, reason: message });
  }
}
