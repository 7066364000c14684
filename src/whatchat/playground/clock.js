import { nextDeadline } from "./people.js";

const LONGEST_MS = 60_000;
const LATE_MS = 20;

/** Tells the store when something that stops by itself is due: typing, disappearing messages. */
export class Clock {
  #timer = null;

  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.store = store;
  }

  /** Look at what is due next. */
  notice(state) {
    clearTimeout(this.#timer);
    const due = nextDeadline(state);
    if (due === null) return;
    const wait = Math.min(LONGEST_MS, Math.max(0, due - Date.now()) + LATE_MS);
    this.#timer = setTimeout(
      () => this.store.dispatch({ type: "time-passed", now: Date.now() }),
      wait,
    );
  }
}
