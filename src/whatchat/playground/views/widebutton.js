import { h, icon } from "../dom.js";

/** A line that does something, with a drawing in front. */
export const wideButton = (drawing, label, onclick, kind = "") =>
  h("button", { type: "button", class: `wide-line ${kind}`.trim(), onclick }, icon(drawing), label);
