import { count } from "./format.js";

const SECONDS_TOLD = 120;

/** What a refusal is to a person: how long to wait, where the server says so. */
export function wordsFor({ code, message, retryAfterMs }) {
  if (code !== "rate_limited") return message;
  const seconds = Math.max(1, Math.ceil((retryAfterMs ?? 0) / 1000));
  const time =
    seconds < SECONDS_TOLD ? count(seconds, "second") : count(Math.ceil(seconds / 60), "minute");
  return `That was too much in a short time. Try again in ${time}.`;
}
