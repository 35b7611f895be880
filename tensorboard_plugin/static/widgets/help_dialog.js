/** The list of keys, as a dialog. */

import { el } from "../core/dom.js";

/**
 * Keys, separated by spaces, and what they do.
 * @type {[string, string][]}
 */
const KEYS = [
  ["← →", "previous, next epoch"],
  ["Home End", "first, last epoch"],
  ["↑ ↓", "layer before, after"],
  ["[ ]", "image before, after"],
  ["Space", "play, pause"],
  ["F", "follow the latest epoch"],
  ["+ − 0", "zoom in, out, to fit"],
  ["Enter", "open what has the focus"],
  ["Esc", "back to all layers"],
  ["?", "this list"],
];

/** @param {{label: string, key: string}[]} views */
export function helpDialog(views) {
  const dialog = el(
    "dialog",
    { class: "help", "aria-labelledby": "keras-viz-keys" },
    el("h2", { id: "keras-viz-keys" }, "Keyboard"),
    el(
      "dl",
      {},
      KEYS.map(([keys, what]) => line(keys.split(" "), what)),
      line(
        views.map((view) => view.key),
        views.map((view) => view.label).join(", ")
      )
    ),
    el("p", { class: "muted" }, "On a picture the wheel zooms, a drag moves, a double click fits."),
    el("button", { type: "button", onclick: () => dialog.close() }, "Close")
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  return dialog;
}

/** @param {string[]} keys @param {string} what */
function line(keys, what) {
  const names = keys.map((key) => el("kbd", {}, key));
  return el("div", {}, el("dt", {}, names), el("dd", {}, what));
}
