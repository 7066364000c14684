import { ApiError } from "./http.js";
import { newsOf } from "./news.js";
import { SignedOut } from "./session.js";
import { hasGap } from "./store.js";
import { syncAll, syncRooms } from "./sync.js";
import { io } from "./vendor/socket.io.esm.min.js";

const ACK_DEADLINE_MS = 10_000;
const RETRY_MS = 2_000;
const GAP_MS = 1_000;
const jittered = (ms) => ms * (1 + Math.random() / 2);

/**
 * The live connection: keeps itself up, and the store in step with the server.
 *
 * After every `session:ready` it resumes from the cursors held; a gap in a room is waited
 * for a second (events may be late) and then read. Catching up runs one at a time.
 */
export class Connection {
  #lost = new Set();
  #gapTimer = null;
  #retryTimer = null;
  #catchingUp = Promise.resolve();
  #token = null;
  #ask = (event, data) => this.request(event, data);

  /**
   * @param {{session: import("./session.js").Session, store: import("./store.js").Store,
   *   listRooms: () => Promise<void>, readOwn: () => Promise<void>}} parts
   */
  constructor({ session, store, listRooms, readOwn }) {
    this.session = session;
    this.store = store;
    this.listRooms = listRooms;
    this.readOwn = readOwn;
    this.socket = io({
      autoConnect: false,
      forceNew: true,
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: 500,
      reconnectionDelayMax: 5_000,
      auth: (answer) => this.#authenticate(answer),
    });
    this.#listen();
  }

  start() {
    this.socket.connect();
  }

  stop() {
    clearTimeout(this.#gapTimer);
    clearTimeout(this.#retryTimer);
    this.socket.removeAllListeners();
    this.socket.offAny();
    this.socket.disconnect();
  }

  /** Try at once instead of waiting for the next attempt; does nothing while connected. */
  hurry() {
    if (!this.socket.connected) this.socket.disconnect().connect();
  }

  /**
   * One command over the socket.
   *
   * @returns {Promise<any>} the ack's data
   * @throws {ApiError} what the server refused with, or `unreachable`: the outcome is unknown
   */
  async request(event, data) {
    let ack;
    try {
      ack = await this.socket.timeout(ACK_DEADLINE_MS).emitWithAck(event, data);
    } catch {
      throw new ApiError({ code: "unreachable", message: "no answer came", retryable: true });
    }
    if (ack.ok) return ack.data;
    if (ack.error.code !== "unauthenticated") throw new ApiError(ack.error);
    this.#signInAgain();
    throw new ApiError({ ...ack.error, retryable: true });
  }

  /** Send what is written; returns once it is accepted and shown. */
  async send({ roomId, clientId, content, replyTo }) {
    await this.change("message:send", { roomId, clientId, content, replyTo });
  }

  /** A command about one message; returns it once what became of it is shown. */
  async change(event, data) {
    const { message } = await this.request(event, data);
    this.store.dispatch({ type: "accepted", message });
    this.#checkGap(message.roomId);
    return message;
  }

  /** Something that may be lost, such as that somebody is typing. */
  tell(event, data) {
    if (this.store.state.link === "online") this.socket.volatile.emit(event, data);
  }

  #listen() {
    const { socket, store } = this;
    socket.on("session:ready", ({ epoch }) => {
      clearTimeout(this.#retryTimer); // it was for the connection before this one
      store.dispatch({ type: "ready", epoch });
      this.#resume();
      this.readOwn();
    });
    socket.on("session:resync", () => this.#resume());
    socket.on("session:expiring", () => this.#renew());
    socket.on("session:moving", ({ reconnectAfterMs }) => {
      this.#retry(reconnectAfterMs);
    });
    socket.on("disconnect", (reason) => {
      store.dispatch({ type: "link-changed", link: "reconnecting" });
      if (reason === "io server disconnect") this.#retry(jittered(RETRY_MS / 4));
    });
    socket.on("connect_error", (error) => {
      if (error.data?.code === "unauthenticated") this.#signInAgain();
      else if (!socket.active) this.#retry(jittered(RETRY_MS));
    });
    socket.onAny((name, data) => {
      const news = newsOf(name, data);
      if (news) store.dispatch(news);
      else if (data?.roomId && data.rev) this.#hear(name, data);
    });
  }

  async #authenticate(answer) {
    try {
      this.#token = await this.session.token();
      answer({ token: this.#token });
    } catch (error) {
      if (!(error instanceof SignedOut)) this.#retry(jittered(RETRY_MS));
    }
  }

  async #signInAgain() {
    try {
      await this.session.renew(this.#token);
      this.#retry(jittered(RETRY_MS / 4));
    } catch (error) {
      if (!(error instanceof SignedOut)) this.#retry(jittered(RETRY_MS));
    }
  }

  async #renew() {
    try {
      this.#token = await this.session.renew(this.#token);
      await this.request("session:refresh", { token: this.#token });
    } catch (error) {
      if (!(error instanceof SignedOut)) this.#retry(jittered(RETRY_MS));
    }
  }

  #retry(ms) {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.socket.disconnect().connect(), ms);
  }

  #hear(name, data) {
    this.store.dispatch({ type: "room-event", name, data });
    if (name !== "room:removed") this.#checkGap(data.roomId);
  }

  #checkGap(roomId) {
    if (!hasGap(this.store.state, roomId)) return;
    this.#lost.add(roomId);
    this.#gapTimer ??= setTimeout(() => this.#fillGaps(), jittered(GAP_MS));
  }

  #fillGaps() {
    const { state } = this.store;
    const roomIds = [...this.#lost].filter((roomId) => hasGap(state, roomId));
    this.#lost.clear();
    this.#gapTimer = null;
    if (roomIds.some((roomId) => !state.rooms.has(roomId))) this.#resume();
    else if (roomIds.length) {
      this.#catchUp(() => syncRooms(this.#ask, this.store, roomIds));
    }
  }

  #resume() {
    this.#catchUp(async () => {
      await syncAll(this.#ask, this.store, this.listRooms);
      if (this.socket.connected) this.store.dispatch({ type: "link-changed", link: "online" });
    });
  }

  #catchUp(work) {
    const attempt = async () => {
      try {
        if (this.socket.connected) await work();
      } catch (error) {
        if (!(error instanceof SignedOut)) this.#retry(jittered(RETRY_MS));
      }
    };
    this.#catchingUp = this.#catchingUp.then(attempt);
  }
}
