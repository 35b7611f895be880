/** Notices in place of pictures; loading, empty and failed look different. */

import { el } from "../core/dom.js";

/**
 * @import { Child } from "../core/dom.js"
 */

const ATTACH = `from keras_viz_callbacks import ActivationGrid

model.fit(x, y, callbacks=[
    ActivationGrid("logs/run1", x_val[:4]),
])`;

/** @param {string} what */
export function loading(what) {
  return el(
    "div",
    { class: "notice loading", role: "status" },
    el("div", { class: "spinner", "aria-hidden": "true" }),
    el("p", {}, what)
  );
}

/** @param {Indexing} indexing */
export function reading({ done, total }) {
  return el(
    "div",
    { class: "notice loading", role: "status" },
    el("p", {}, "Reading the log…"),
    el("progress", { max: total, value: done, "aria-label": "How much of the log has been read" })
  );
}

/**
 * @param {string} title
 * @param {...Child} lines
 */
export function empty(title, ...lines) {
  return el("div", { class: "notice empty" }, el("h2", {}, title), lines);
}

/** @param {string[]} directories that TensorBoard watches */
export function emptyLog(directories) {
  return empty(
    "No pictures yet",
    el(
      "p",
      {},
      "Attach a callback to your training. This one draws every channel of every convolution, after each epoch:"
    ),
    el("pre", { tabindex: "0" }, el("code", {}, ATTACH)),
    el(
      "p",
      {},
      "Give it a directory below the one that TensorBoard watches (",
      directories.map((name, i) => [i > 0 && ", ", el("code", {}, name)]).flat(),
      "). The first pictures appear here by themselves."
    )
  );
}

/**
 * @param {string} title
 * @param {string} message
 * @param {() => void} [retry]
 */
export function failed(title, message, retry) {
  return el(
    "div",
    { class: "notice failed", role: "alert" },
    el("h2", {}, title),
    el("p", {}, message),
    retry && el("button", { type: "button", onclick: retry }, "Try again")
  );
}
