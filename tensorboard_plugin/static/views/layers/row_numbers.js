/** Measures of the layers at the slider's step, requested when the slider rests. */

import { fetchSeries } from "../../core/http_api.js";
import { Lane } from "../../core/lane.js";

/** @import { Selection } from "../../core/selection.js" */

const REST_MS = 120;

/** @typedef {[string, number][]} Numbers measures and their values, in the order reported */

export class RowNumbers {
  #lane = new Lane();
  /** @type {number | undefined} */
  #timer;
  /** Numbers by layer, at each step that was asked for. @type {Map<string, Map<number, Numbers>>} */
  #known = new Map();
  #changed;

  /** @param {() => void} changed called after new numbers have come */
  constructor(changed) {
    this.#changed = changed;
  }

  destroy() {
    this.#lane.drop();
    window.clearTimeout(this.#timer);
  }

  /** @param {Selection} selection */
  update(selection) {
    const { detail, name, image, step } = selection;
    const key = keyOf(selection);
    const isReported = detail.reply.measures.some(
      ({ of, names }) => of === "layer" && names.includes(name)
    );
    if (!isReported || this.#known.has(key)) return;
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      const one = image === null ? null : detail.images[image].name;
      const query = { run: detail.run, name, image: one, first: step, last: step };
      this.#lane.ask(
        key,
        (signal) => fetchSeries(query, signal),
        (reply) => {
          /** @type {Map<number, Numbers>} */
          const numbers = new Map();
          for (const { tag, layer_measures } of reply.series) {
            const layer = detail.byTag.get(tag)?.layer ?? null;
            if (layer !== null) numbers.set(layer, firsts(layer_measures ?? {}));
          }
          this.#known.set(key, numbers);
          this.#changed();
        },
        () => {} // the numbers are left out then
      );
    }, REST_MS);
  }

  /** @param {Selection} selection @param {number | null} layer @returns {Numbers} */
  of(selection, layer) {
    return (layer === null ? undefined : this.#known.get(keyOf(selection))?.get(layer)) ?? [];
  }
}

/**
 * @param {{[measure: string]: (number | null)[]}} columns
 * @returns {Numbers} those that are known at the first step
 */
function firsts(columns) {
  return Object.entries(columns).flatMap(([measure, [value = null]]) =>
    value === null ? [] : [[measure, value]]
  );
}

/** @param {Selection} selection */
function keyOf({ detail, name, image, step }) {
  return [detail.run, name, image, step].join("\n");
}
