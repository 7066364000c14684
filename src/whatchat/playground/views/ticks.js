import { h, icon } from "../dom.js";

const STATUS = {
  pending: { drawing: "clock", label: "Sending" },
  failed: { drawing: "alert", label: "Not sent" },
  sent: { drawing: "check", label: "Sent" },
  delivered: { drawing: "checks", label: "Delivered" },
  read: { drawing: "checks", label: "Read" },
};

/** How far one's own message has got, as a drawing. */
export function ticks(status) {
  const { drawing, label } = STATUS[status];
  const props = { class: `status ${status}`, role: "img", "aria-label": label, title: label };
  return h("span", props, icon(drawing));
}
