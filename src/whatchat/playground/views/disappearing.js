import { fill, h, icon } from "../dom.js";
import { spanOf } from "../format.js";
import { chooser } from "./fields.js";

const PRESETS = [300, 3_600, 86_400, 604_800, 7_776_000];

/**
 * After how long messages disappear, to choose from.
 *
 * @param {number | null | undefined} seconds what is chosen; nothing is never
 * @param {(value: string) => any} [change] as `chooser` takes it; `spanChosen` reads the value
 */
export function disappearChooser(seconds, change) {
  const spans = new Set([...PRESETS, ...(seconds ? [seconds] : [])]);
  const choices = [...spans].sort((a, b) => a - b).map((one) => [one, spanOf(one)]);
  return chooser("Messages disappear after", [["", "Never"], ...choices], seconds ?? "", change);
}

/** The number of seconds behind a choice; null is never. */
export const spanChosen = (value) => Number(value) || null;

/** The sign that what is said in a room disappears, and after how long. */
export function disappearMark() {
  let told = null;
  const node = h("span", { class: "span-mark", hidden: true });

  function render({ disappearAfterSeconds: seconds }) {
    if (seconds === told) return;
    told = seconds;
    node.hidden = !seconds;
    if (!seconds) return;
    node.title = `Messages disappear after ${spanOf(seconds)}`;
    fill(node, icon("timer"), h("span", { class: "unseen" }, node.title), shortSpan(seconds));
  }

  return { node, render };
}

/** "1 h", "7 d". */
const shortSpan = (seconds) =>
  h("span", { "aria-hidden": "true" }, spanOf(seconds).replace(/(\w)\w*$/, "$1"));
