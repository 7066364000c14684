const PAUSE_MS = 200;

/**
 * Calls `work` with the latest text once typing rests, and `show` with the latest answer only.
 *
 * @template T
 * @param {(text: string) => Promise<T>} work
 * @param {(answer: T, text: string) => void} show
 * @returns {(text: string) => void}
 */
export function searcher(work, show) {
  let turn = 0;
  let timer = null;
  return (text) => {
    turn += 1;
    const mine = turn;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const answer = await work(text).catch(() => null);
      if (mine === turn && answer) show(answer, text);
    }, PAUSE_MS);
  };
}
