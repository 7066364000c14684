const AGAIN_MS = 2_500;
const IDLE_MS = 4_000;

/** Tells a room that one is writing: at most every 2.5 s, and when one has stopped. */
export class Typist {
  #roomId = null;
  #toldAt = 0;
  #idle = null;

  /** @param {(event: string, data: object) => void} tell */
  constructor(tell) {
    this.tell = tell;
  }

  /** Somebody at this page has just typed something into `roomId`. */
  typed(roomId) {
    if (this.#roomId !== roomId) this.stop();
    const now = Date.now();
    if (now - this.#toldAt >= AGAIN_MS) {
      this.#toldAt = now;
      this.tell("typing:start", { roomId });
    }
    this.#roomId = roomId;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.stop(), IDLE_MS);
  }

  /** Sent, cleared, left or idle. */
  stop() {
    clearTimeout(this.#idle);
    if (this.#roomId) this.tell("typing:stop", { roomId: this.#roomId });
    this.#roomId = null;
    this.#toldAt = 0;
  }
}
