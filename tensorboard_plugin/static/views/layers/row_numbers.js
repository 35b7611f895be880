/** Numbers of the layers at the slider's step, asked for once it rests. */

import { fetchSeries } from "../../core/http_api.js";
import { Lane } from "../../core/lane.js";

/** @import { Selection } from "../../core/selection.js" */

const REST_MS = 120;

export class RowNumbers {
  #lane = new Lane();
  /** @type {number | undefined} */
  #timer;
  /** Fraction of dead channels by layer, at the steps asked so far. */
  /** @type {Map<string, Map<number, number | null>>} */
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
    const { detail, technique, image, step } = selection;
    const key = keyOf(selection);
    if (technique !== "activations" || this.#known.has(key)) return;
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      const name = image === null ? null : detail.images[image].name;
      const query = { run: detail.run, technique, image: name, first: step, last: step };
      this.#lane.ask(
        key,
        (signal) => fetchSeries(query, signal),
        (reply) => {
          /** @type {Map<number, number | null>} */
          const numbers = new Map();
          for (const series of reply.series) {
            const layer = detail.byTag.get(series.tag)?.layer ?? null;
            if (layer !== null) numbers.set(layer, series.dead_fraction?.[0] ?? null);
          }
          this.#known.set(key, numbers);
          this.#changed();
        },
        () => {} // only the number is missing then
      );
    }, REST_MS);
  }

  /** @param {Selection} selection @param {number} layer @returns {number | null} */
  of(selection, layer) {
    return this.#known.get(keyOf(selection))?.get(layer) ?? null;
  }
}

/** @param {Selection} selection */
function keyOf({ detail, technique, image, step }) {
  return [detail.run, technique, image, step].join("\n");
}
