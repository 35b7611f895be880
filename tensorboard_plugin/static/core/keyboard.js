/** Keys for the whole tab, and the list of them. */

import { el } from "./dom.js";
import { onHostKey } from "./host_window.js";

const KEYS = [
  ["← →", "previous, next epoch"],
  ["Home End", "first, last epoch"],
  ["↑ ↓", "layer before, after"],
  ["[ ]", "image before, after"],
  ["Space", "play, pause"],
  ["F", "follow the latest epoch"],
  ["1 … 6", "choose the view"],
  ["+ − 0", "zoom in, out, to fit"],
  ["Enter", "open what has the focus"],
  ["Esc", "back to all layers"],
  ["?", "this list"],
];

/** The list of keys, as a dialog. */
export function helpDialog() {
  const dialog = el(
    "dialog",
    { class: "help", "aria-labelledby": "keras-viz-keys" },
    el("h2", { id: "keras-viz-keys" }, "Keyboard"),
    el(
      "dl",
      {},
      KEYS.map(([keys, what]) =>
        el(
          "div",
          {},
          el(
            "dt",
            {},
            keys.split(" ").map((k) => (k === "…" ? " … " : el("kbd", {}, k)))
          ),
          el("dd", {}, what)
        )
      )
    ),
    el(
      "p",
      { class: "muted" },
      "On a picture the wheel zooms, a drag moves it, a double click fits it."
    ),
    el("button", { type: "button", onclick: () => dialog.close() }, "Close")
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  return dialog;
}

/** @param {EventTarget | null} target whether it has a use for keys of its own */
function takesKeys(target) {
  return (
    target instanceof HTMLElement &&
    target.closest("input:not([type=range]), select, textarea, [contenteditable]") !== null
  );
}

/** @param {EventTarget | null} target whether space and Enter press it */
function isPressed(target) {
  return target instanceof HTMLElement && target.closest("button, a, summary") !== null;
}

/** @param {{[key: string]: (() => void) | undefined}} actions by key */
export function listen(actions) {
  const hear = (/** @type {KeyboardEvent} */ event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (takesKeys(event.target) || document.querySelector("dialog[open]")) return;
    if (isPressed(event.target) && (event.key === " " || event.key === "Enter")) return;
    const isSlider = event.target instanceof HTMLInputElement;
    if (isSlider && (event.key === "Home" || event.key === "End")) return;
    const action = actions[event.key] ?? actions[event.key.toLowerCase()];
    if (action === undefined) return;
    event.preventDefault();
    action();
  };
  document.addEventListener("keydown", hear);
  onHostKey(hear);
}
