const MARGIN = 8;

/**
 * Show `node` beside `anchor` until something else is clicked or Escape is pressed, then take
 * it away and give the focus back.
 *
 * @param {HTMLElement} node
 * @param {{anchor: Element, point?: {x: number, y: number}, onclose?: () => void}} options
 * @returns {() => void} closes it
 */
export function showPopover(node, { anchor, point, onclose }) {
  const before = document.activeElement;
  node.setAttribute("popover", "auto");
  node.classList.add("popover");
  node.addEventListener("toggle", ({ newState }) => {
    if (newState !== "closed") return;
    if (node.contains(document.activeElement) || document.activeElement === document.body) {
      before?.focus?.({ preventScroll: true });
    }
    node.remove();
    onclose?.();
  });
  (anchor.closest("dialog") ?? document.body).append(node);
  node.showPopover();
  place(node, point ? pointRect(point) : anchor.getBoundingClientRect());
  return () => node.isConnected && node.hidePopover();
}

/** Let the arrow keys move between the buttons in `node`. */
export function withArrowKeys(node, columns = 1) {
  const steps = { ArrowDown: columns, ArrowUp: -columns, ArrowRight: 1, ArrowLeft: -1 };
  node.addEventListener("keydown", (event) => {
    const buttons = [...node.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    const step = steps[event.key];
    if (!step || at < 0) return;
    event.preventDefault();
    buttons[Math.min(buttons.length - 1, Math.max(0, at + step))].focus();
  });
  return node;
}

function place(node, { left, right, top, bottom }) {
  const { width, height } = node.getBoundingClientRect();
  const startsLeft = left + width <= innerWidth - MARGIN ? left : right - width;
  const x = Math.min(innerWidth - width - MARGIN, Math.max(MARGIN, startsLeft));
  const isBelow = bottom + height + MARGIN <= innerHeight || top < height + MARGIN;
  const y = isBelow ? bottom + 4 : top - height - 4;
  node.style.left = `${x}px`;
  node.style.top = `${Math.min(innerHeight - height - MARGIN, Math.max(MARGIN, y))}px`;
}

const pointRect = ({ x, y }) => ({ left: x, right: x, top: y, bottom: y });
