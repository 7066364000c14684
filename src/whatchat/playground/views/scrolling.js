const NEAR_PX = 120;
const TOP_PX = 96;
const FLASH_MS = 1_600;

/**
 * Where the reader is in a timeline.
 *
 * @param {HTMLElement} scroller
 * @param {HTMLElement} rows whose children carry `data-seq` where they show a message
 */
export function scrollPlace(scroller, rows) {
  let atEnd = true;

  function toEnd(behavior = "instant") {
    scroller.scrollTo({ top: scroller.scrollHeight, behavior });
  }

  /** Look where the reader is now; returns whether that is the end, if the end is shown. */
  function notice(hasEnd) {
    const below = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    atEnd = hasEnd && below < NEAR_PX;
    return atEnd;
  }

  /** The seq of the last message that is in view as a whole, or 0. */
  function lastInView() {
    const all = messageRows();
    const { bottom } = scroller.getBoundingClientRect();
    const below = firstWhere(all, (row) => row.getBoundingClientRect().bottom > bottom + 2);
    return Number(all[below - 1]?.dataset.seq ?? 0);
  }

  /** Remember the first message in view, to put it back where it is. */
  function hold() {
    if (atEnd) return null;
    const all = messageRows();
    const { top } = scroller.getBoundingClientRect();
    const row = all[firstWhere(all, (one) => one.getBoundingClientRect().bottom > top)];
    return row ? { row, top: row.getBoundingClientRect().top } : null;
  }

  /** Put back what `hold` remembered; false if it is no longer there. */
  function restore(held) {
    if (!held?.row.isConnected) return false;
    scroller.scrollTop += held.row.getBoundingClientRect().top - held.top;
    return true;
  }

  function toUnreadOrEnd() {
    const line = rows.querySelector(".unread-line");
    if (!line) {
      toEnd();
      return;
    }
    const { top } = scroller.getBoundingClientRect();
    scroller.scrollTop += line.getBoundingClientRect().top - top - TOP_PX;
  }

  const messageRows = () => rows.querySelectorAll("[data-seq]");

  return { isAtEnd: () => atEnd, toEnd, notice, lastInView, hold, restore, toUnreadOrEnd };
}

/** The index of the first for which `isPast` holds, where it holds for all after it. */
function firstWhere(all, isPast) {
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isPast(all[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Bring a row into the middle and let it light up for a moment. */
export function pointOut(row) {
  if (!row) return;
  row.scrollIntoView({ block: "center", behavior: "instant" });
  row.setAttribute("data-pointed", "");
  setTimeout(() => row.removeAttribute("data-pointed"), FLASH_MS);
}
