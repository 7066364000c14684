import { fill, h } from "../dom.js";
import { wordsFor } from "../refusals.js";
import { openDialog } from "./dialog.js";
import { toast } from "./toast.js";

const MOST_CHARACTERS = 1000;

/**
 * The dialog that tells those who run the server of a message, or of a person.
 *
 * @param {{message?: object, user?: object}} about one of the two
 * @param {{report: (fields: object) => Promise<void>}} actions
 */
export function openReport({ message, user }, actions) {
  const { displayName } = user ?? message.sender;
  const about = message ? { messageId: message.id } : { userId: user.id };
  openDialog(message ? "Report message" : `Report ${displayName}`, (close) => {
    const reason = h("textarea", {
      id: "report-reason",
      rows: 4,
      required: true,
      maxlength: MOST_CHARACTERS,
      "aria-describedby": "report-note",
    });
    const problem = h("p", { class: "problem", role: "alert" });
    const submit = h("button", { type: "submit", class: "primary" }, "Send report");

    async function send(event) {
      event.preventDefault();
      submit.disabled = true;
      try {
        await actions.report({ ...about, reason: reason.value.trim() });
        close();
        toast("Thank you. Your report was sent.");
      } catch (error) {
        fill(problem, wordsFor(error));
      }
      submit.disabled = false;
    }

    return [
      h(
        "form",
        { class: "report", onsubmit: send },
        h(
          "p",
          { id: "report-note" },
          `Those who run this server learn who reported whom, and your reason. They do not get
          the text of any message, and ${displayName} is not told.`,
        ),
        h(
          "div",
          { class: "field" },
          h("label", { for: reason.id }, "What is wrong?"),
          h("div", { class: "input-box" }, reason),
        ),
        problem,
        h(
          "div",
          { class: "choices" },
          h("button", { type: "button", class: "quiet", onclick: close }, "Cancel"),
          submit,
        ),
      ),
    ];
  });
}
