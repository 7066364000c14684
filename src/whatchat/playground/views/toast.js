import { h } from "../dom.js";
import { wordsFor } from "../refusals.js";

const SHOWN_MS = 5_000;

/** Say something short, for five seconds. */
export function toast(message) {
  const note = h("div", { class: "toast" }, message);
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), SHOWN_MS);
}

/** Run what a click asks for; what goes wrong is said. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    toast(wordsFor(error));
    return null;
  }
}
