/** Keys for the whole tab. */

import { onHostKey } from "./host_window.js";

/** @typedef {() => void} Action */

/**
 * Adds the keys that open the views.
 * @param {{[key: string]: Action}} actions by key
 * @param {{id: string, key: string}[]} views
 * @param {(id: string) => void} open
 * @returns {{[key: string]: Action}}
 */
export function withViewKeys(actions, views, open) {
  const all = { ...actions };
  for (const { id, key } of views) {
    if (Object.hasOwn(all, key)) {
      throw new Error(`View "${id}": the key "${key}" is taken. Give it another key.`);
    }
    all[key] = () => open(id);
  }
  return all;
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

/** @param {{[key: string]: Action}} actions by key */
export function listen(actions) {
  const hear = (/** @type {KeyboardEvent} */ event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (takesKeys(event.target) || document.querySelector("dialog[open]")) return;
    if (isPressed(event.target) && (event.key === " " || event.key === "Enter")) return;
    const isSlider = event.target instanceof HTMLInputElement;
    if (isSlider && (event.key === "Home" || event.key === "End")) return;
    const key = [event.key, event.key.toLowerCase()].find((name) => Object.hasOwn(actions, name));
    if (key === undefined) return;
    event.preventDefault();
    actions[key]();
  };
  document.addEventListener("keydown", hear);
  onHostKey(hear);
}
