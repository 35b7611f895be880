/** What is known of one run, and the ways to find things in it. */

/** @import { PictureKey } from "./http_api.js" */

/** @typedef {Pick<NameInfo, "name" | "title">} Titled a callback, and what its pictures are called */

/** Name of the input, beside those of the layers. */
export const INPUT = "Input";

export class RunDetail {
  /** @param {RunReply} reply */
  constructor(reply) {
    this.reply = reply;
    this.run = reply.run;
    this.layers = reply.layers;
    this.images = reply.images;
    /** @type {Map<number, number>} */
    this.places = new Map(reply.steps.step.map((step, i) => [step, i]));
    /** Whether steps are epochs; with a batch frequency they are not. */
    this.byEpoch = reply.steps.step.every((step, i) => step === reply.steps.epoch[i]);
    /** @type {Map<string, SeriesInfo>} */
    this.bySlot = new Map();
    /** @type {Map<string, SeriesInfo>} */
    this.byTag = new Map();
    for (const series of reply.series) {
      this.bySlot.set(`${series.name}\n${series.layer}\n${series.image}`, series);
      this.byTag.set(series.tag, series);
    }
  }

  /**
   * @param {string} name of a callback
   * @param {number | null} layer place in `layers`
   * @param {number | null} image place in `images`
   * @returns {SeriesInfo | null} where the callback knows no images, the one without
   */
  find(name, layer, image) {
    return (
      this.bySlot.get(`${name}\n${layer}\n${image}`) ??
      this.bySlot.get(`${name}\n${layer}\nnull`) ??
      null
    );
  }

  /**
   * @param {Titled} info
   * @returns {string} its title, with the name where the title is not enough
   */
  titleOf({ name, title }) {
    if (title === "") return name;
    const same = this.reply.names.filter((other) => other.title === title);
    return same.length > 1 ? `${title} (${name})` : title;
  }

  /** @param {SeriesInfo} series @returns {string} what its pictures are of: a layer, the input */
  subjectOf({ layer, kind, tag }) {
    if (layer !== null) return this.layers[layer].path;
    return kind === "evidence" ? INPUT : tag;
  }

  /** @param {SeriesInfo} series @returns {number[]} */
  steps(series) {
    return this.reply.step_lists[series.step_list];
  }

  /**
   * @param {SeriesInfo} series
   * @param {number} step
   * @returns {PictureKey}
   */
  key(series, step) {
    const place = this.places.get(step);
    const v = place === undefined ? null : this.reply.steps.v[place];
    return { run: this.run, tag: series.tag, step, v };
  }

  /** @param {number} step @returns {string} such as "epoch 3" */
  label(step) {
    const place = this.places.get(step);
    if (this.byEpoch || place === undefined) return `epoch ${step}`;
    return `step ${step} (epoch ${this.reply.steps.epoch[place]})`;
  }

  /** What the numbers of the slider count. */
  get unit() {
    return this.byEpoch ? "epoch" : "step";
  }
}

/**
 * @param {number[]} steps ascending
 * @param {number} step
 * @returns {number} place of the last one that is not after `step`; of the first if all are; -1
 *   in an empty list
 */
export function placeOf(steps, step) {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] <= step) low = middle + 1;
    else high = middle;
  }
  return steps.length === 0 ? -1 : Math.max(0, low - 1);
}
