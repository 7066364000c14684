import { h } from "../dom.js";

/** Text with `code` in it, as nodes; nothing else is markup. */
export function inline(text) {
  return text
    .replaceAll("``", "`")
    .split("`")
    .map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

/** Paragraphs and tables, as nodes. */
export function prose(text) {
  return text
    .split(/\n\s*\n/)
    .filter((block) => block.trim())
    .map((block) => (block.startsWith("|") ? table(block) : h("p", {}, inline(block))));
}

function table(block) {
  const [heads, , ...rows] = block.split("\n").map((line) => line.split("|").slice(1, -1));
  const cells = (tag, row) =>
    h(
      "tr",
      {},
      row.map((cell) => h(tag, {}, inline(cell.trim()))),
    );
  const body = rows.map((row) => cells("td", row));
  return h("div", { class: "wide-table" }, h("table", {}, cells("th", heads), body));
}
