const SVG = "http://www.w3.org/2000/svg";
const ICONS = new URL("icons.svg", import.meta.url);

/**
 * An element. Strings among `children` become text, never markup.
 *
 * @param {string} tag
 * @param {Record<string, any>} props `onclick` and the like listen; the rest are attributes
 * @param {...(Node | string | null | false)} children
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else attribute(node, name, value);
  }
  fill(node, ...children);
  return node;
}

/** Set an attribute; true is the empty value, false and null take it away. */
export function attribute(node, name, value) {
  if (value === false || value === null || value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== (value === true ? "" : String(value))) {
    node.setAttribute(name, value === true ? "" : value);
  }
}

/** Replace what is in `node`. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child || child === ""));
}

/** Set the text of `node`, leaving it alone where nothing changes. */
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

/**
 * Part of the page: a drawing that is fetched when it is needed is missing while one is offline.
 *
 * The request itself makes a document of its answer: no text of any origin has to be trusted.
 */
function takeIn(drawings) {
  const request = new XMLHttpRequest();
  request.addEventListener("load", () => {
    const svg = request.responseXML?.documentElement;
    svg?.setAttribute("hidden", "");
    if (svg) document.body.append(svg);
  });
  request.open("GET", drawings);
  request.responseType = "document";
  request.send();
}

takeIn(ICONS);

/** One of the drawings in `icons.svg`. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#${name}`);
  svg.append(use);
  return svg;
}

/** A button that shows only a drawing; `label` is what it is called. */
export function iconButton(name, label, onclick, props = {}) {
  const attributes = { type: "button", class: "icon-button", "aria-label": label, title: label };
  return h("button", { ...attributes, ...props, onclick }, icon(name));
}

const nodesOf = new WeakMap();

/**
 * Make the children of `parent` show `items`, in order, keeping the node of each key.
 *
 * @param {Element} parent whose children are all made here
 * @param {{key: string}[]} items
 * @param {(item: any) => {node: Element, update: (item: any) => void}} create
 */
export function reconcile(parent, items, create) {
  const before = nodesOf.get(parent) ?? new Map();
  const after = new Map();
  let place = parent.firstChild;
  for (const item of items) {
    const row = before.get(item.key) ?? create(item);
    row.update(item);
    after.set(item.key, row);
    if (row.node === place) place = place.nextSibling;
    else parent.insertBefore(row.node, place);
  }
  for (const [key, row] of before) if (!after.has(key)) row.node.remove();
  nodesOf.set(parent, after);
}
