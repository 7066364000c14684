import { fill, h } from "../dom.js";

const LINK = /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]}]/g;
const ONLY_EMOJI = /^(?:\p{Extended_Pictographic}|\p{Emoji_Component}|\s)+$/u;
const FEW = 12;

/** Show what somebody wrote: addresses become links, nothing else becomes anything. */
export function fillWords(node, content) {
  const parts = [];
  let end = 0;
  for (const { 0: url, index } of content.matchAll(LINK)) {
    parts.push(content.slice(end, index), link(url));
    end = index + url.length;
  }
  fill(node, ...parts, content.slice(end));
}

/** Whether a message is a few emoji and nothing else. */
export const isEmojiOnly = (content) =>
  content.length <= FEW && ONLY_EMOJI.test(content) && /\p{Extended_Pictographic}/u.test(content);

/** `content` around the first of the words that were searched for, with all of them marked. */
export function marked(content, query) {
  const words = query.split(/\s+/).filter(Boolean).map(escaped);
  if (!words.length) return [content];
  const pattern = new RegExp(`(${words.join("|")})`, "giu");
  const first = content.search(pattern);
  const start = first > 40 ? first - 30 : 0;
  const text = (start ? "…" : "") + content.slice(start, start + 160);
  return text.split(pattern).map((part, index) => (index % 2 ? h("mark", {}, part) : part));
}

const link = (url) =>
  h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, url);

const escaped = (word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
