import { fill, h } from "../dom.js";
import { count } from "../format.js";
import { roomAvatar } from "./avatar.js";
import { openDialog } from "./dialog.js";
import { searcher } from "./search.js";
import { attempt } from "./toast.js";

/**
 * The dialog that lists public rooms.
 *
 * @param {{me: object, isMember: (roomId: string) => boolean,
 *   find: (text: string, after?: string) => Promise<{rooms: object[], next?: string}>,
 *   enter: (room: object) => Promise<void>}} parts
 */
export function openPublicRooms({ me, isMember, find, enter }) {
  openDialog("Public rooms", (close) => {
    const list = h("ul", { class: "found", "aria-label": "Public rooms" });
    const more = h("div", { class: "more" });
    const input = h("input", {
      type: "search",
      placeholder: "Search public rooms",
      "aria-label": "Search public rooms",
      oninput: () => search(input.value.trim()),
    });
    const search = searcher(find, (page) => {
      fill(list);
      append(page);
    });

    function append({ rooms, next }) {
      list.append(...rooms.map(line));
      const isNone = !list.children.length;
      const onclick = () => attempt(async () => append(await find(input.value.trim(), next)));
      fill(
        more,
        next && h("button", { type: "button", class: "quiet", onclick }, "Show more"),
        isNone && h("p", { class: "hint" }, "No public rooms here yet."),
      );
    }

    function line(room) {
      const verb = isMember(room.id) ? "Open" : "Join";
      const onclick = () => attempt(() => enter(room).then(close));
      return h(
        "li",
        { class: "line" },
        roomAvatar(room, me, "small"),
        h(
          "span",
          { class: "line-text" },
          h("span", { class: "line-title" }, room.name),
          h("span", { class: "line-note" }, noteOf(room)),
        ),
        h(
          "button",
          { type: "button", class: "small-button", "aria-label": `${verb} ${room.name}`, onclick },
          verb,
        ),
      );
    }

    attempt(async () => append(await find("")));
    return [h("div", { class: "picker" }, input, list, more)];
  });
}

function noteOf({ description, participantCount }) {
  const people = count(participantCount, "member");
  return description ? `${people} · ${description}` : people;
}
