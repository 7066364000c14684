import { ApiError, call } from "./http.js";
import { randomId } from "./random.js";

const KEY = "whatchat.session";
const LOCK = "whatchat.refresh";
const MARGIN_MS = 60_000;

/** Nobody is signed in here (any more). */
export class SignedOut extends Error {
  constructor() {
    super("signed out");
    this.name = "SignedOut";
  }
}

/**
 * The sign-in that all tabs of this browser share.
 *
 * A refresh token is good for one use, so tabs take turns (Web Locks) and read storage
 * again once it is theirs: whoever comes second finds the new pair. Storage may lag behind
 * in another tab, and an answer may get lost: so the sign-in has one nonce, under which the
 * same token is answered with the same pair for a minute.
 */
export class Session {
  /** @param {(notice?: string) => void} onEnd called when another tab, or the server, ended the sign-in */
  constructor(onEnd) {
    this.onEnd = onEnd;
    addEventListener("storage", (event) => {
      if (event.key === KEY) this.#noticed(event);
    });
  }

  /** @returns {{user: object, accessToken: string, refreshToken: string} | null} */
  get current() {
    return JSON.parse(localStorage.getItem(KEY) ?? "null");
  }

  /** Keep what register, login or refresh answered. */
  keep({ user, accessToken, refreshToken, expiresIn, deviceId, nonce = randomId() }) {
    const expiresAt = Date.now() + expiresIn * 1000;
    const kept = { user, accessToken, refreshToken, expiresAt, deviceId, nonce };
    localStorage.setItem(KEY, JSON.stringify(kept));
  }

  /** Remember what one is now called. */
  renameTo(user) {
    const { current } = this;
    if (current) localStorage.setItem(KEY, JSON.stringify({ ...current, user }));
  }

  /** Forget the sign-in, in all tabs; `notice` says why, if nobody here wanted it. */
  end(notice = "") {
    localStorage.removeItem(KEY);
    this.onEnd(notice);
  }

  /**
   * An access token with a minute or more to live.
   *
   * @throws {SignedOut} if there is none to be had
   */
  async token() {
    const { current } = this;
    if (!current) throw new SignedOut();
    if (current.expiresAt - Date.now() > MARGIN_MS) return current.accessToken;
    return this.renew(current.accessToken);
  }

  /**
   * A new access token in place of `rejected`, from another tab if that was quicker.
   *
   * @param {string} rejected the token that will no longer do
   * @throws {SignedOut} if the sign-in is over
   */
  renew(rejected) {
    const turn = () => this.#renewInTurn(rejected);
    return navigator.locks ? navigator.locks.request(LOCK, turn) : turn();
  }

  async #renewInTurn(rejected) {
    const { current } = this;
    if (!current) throw new SignedOut();
    if (current.accessToken !== rejected) return current.accessToken;
    try {
      const { refreshToken, nonce } = current;
      const answer = await call("POST", "/auth/refresh", { body: { refreshToken, nonce } });
      this.keep({ ...current, ...answer });
      return answer.accessToken;
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "unauthenticated") throw error;
      this.end("You were signed out. Sign in again to go on.");
      throw new SignedOut();
    }
  }

  #noticed({ oldValue, newValue }) {
    if (newValue === null) this.onEnd();
    else if (JSON.parse(oldValue)?.user.id !== JSON.parse(newValue).user.id) location.reload();
  }
}
