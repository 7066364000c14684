import { ApiError, call } from "./http.js";

const path = (...parts) => parts.map((part) => `/${encodeURIComponent(part)}`).join("");
const query = (fields) => {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
};

/** The REST API as the signed-in user. */
export class Api {
  /** @param {import("./session.js").Session} session */
  constructor(session) {
    this.session = session;
  }

  register(body) {
    return call("POST", "/auth/register", { body });
  }

  login(body) {
    return call("POST", "/auth/login", { body });
  }

  logout() {
    return this.#request("POST", "/auth/logout");
  }

  async users(text) {
    return (await this.#request("GET", `/users${query({ query: text })}`)).users;
  }

  /** One page of the caller's rooms, newest activity first. */
  rooms(after) {
    return this.#request("GET", `/rooms${query({ after, limit: 100 })}`);
  }

  room(roomId) {
    return this.#request("GET", path("rooms", roomId));
  }

  /** One page of the public rooms whose name has `text` in it. */
  publicRooms(text, after) {
    const fields = { scope: "public", query: text || undefined, after };
    return this.#request("GET", `/rooms${query(fields)}`);
  }

  createRoom(body) {
    return this.#request("POST", "/rooms", body);
  }

  joinRoom(roomId) {
    return this.#request("POST", `${path("rooms", roomId)}/join`, {});
  }

  members(roomId, after) {
    return this.#request("GET", `${path("rooms", roomId)}/members${query({ after, limit: 100 })}`);
  }

  addMembers(roomId, userIds) {
    return this.#request("POST", `${path("rooms", roomId)}/members`, { userIds });
  }

  removeMember(roomId, userId) {
    return this.#request("DELETE", path("rooms", roomId, "members", userId));
  }

  setAdmin(roomId, userId, isAdmin) {
    return this.#request(isAdmin ? "PUT" : "DELETE", path("rooms", roomId, "admins", userId));
  }

  /** A page of messages, oldest first: before or after a seq, or the latest. */
  messages(roomId, { before, after, limit }) {
    return this.#request("GET", `${path("messages", roomId)}${query({ before, after, limit })}`);
  }

  /** The caller's messages with these words, newest first, of one room or of all. */
  search(text, { roomId, before } = {}) {
    return this.#request("GET", `/search${query({ query: text, roomId, before })}`);
  }

  updateRoom(roomId, fields) {
    return this.#request("PUT", path("rooms", roomId), fields);
  }

  me() {
    return this.#request("GET", "/users/me");
  }

  updateMe(fields) {
    return this.#request("PATCH", "/users/me", fields);
  }

  async devices() {
    return (await this.#request("GET", "/devices")).devices;
  }

  signOutDevice(deviceId) {
    return this.#request("DELETE", path("devices", deviceId));
  }

  /** The people whom the caller has blocked. */
  async blocks() {
    return (await this.#request("GET", `/blocks${query({ limit: 500 })}`)).users;
  }

  block(userId) {
    return this.#request("PUT", path("users", userId, "block"));
  }

  unblock(userId) {
    return this.#request("DELETE", path("users", userId, "block"));
  }

  /** Tell those who run the server of a message or a person. */
  report(fields) {
    return this.#request("POST", "/reports", fields);
  }

  async #request(method, target, body) {
    const token = await this.session.token();
    try {
      return await call(method, target, { body, token });
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "unauthenticated") throw error;
      return call(method, target, { body, token: await this.session.renew(token) });
    }
  }
}
