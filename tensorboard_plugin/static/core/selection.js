/** Finds what the state names in the server's data, and fills in what it leaves open. */

import { placeOf } from "./run_detail.js";

/**
 * @import { PictureKey } from "./http_api.js"
 * @import { RunDetail, Titled } from "./run_detail.js"
 * @import { State } from "./state.js"
 */

/**
 * @typedef {object} MeasureSelection what is shown of a run, with pictures or without
 * @property {RunDetail} detail
 * @property {Titled[]} names callbacks whose pictures or measures this view can show
 * @property {string} name of the callback
 * @property {(number | null)[]} layers places of those that the callback draws or measures, in
 *   network order; null, the first, has the pictures without a layer
 * @property {number | null} layer
 * @property {number[]} images places of those that the callback draws at this layer
 * @property {number | null} image
 * @property {SeriesInfo | null} series null where only measures are shown
 * @property {number[]} steps of the slider: all at which the callback drew something
 * @property {number} place of the slider
 * @property {number} step
 * @property {boolean} following the latest
 */

/** @typedef {MeasureSelection & {series: SeriesInfo}} Selection what is shown of a run's pictures */

/**
 * @param {State} state
 * @param {RunDetail} detail
 * @param {(series: SeriesInfo) => boolean} accepts whether the view can show it
 * @returns {Selection | null} null where there is nothing that the view can show
 */
export function select(state, detail, accepts) {
  const usable = detail.reply.series.filter(accepts);
  const names = detail.reply.names.filter(({ name }) => usable.some((s) => s.name === name));
  const name = (names.find((info) => info.name === state.name) ?? names[0])?.name;
  const ours = usable.filter((s) => s.name === name);
  if (ours.length === 0) return null;

  const hasInput = ours.some((s) => s.layer === null);
  const layers = [...(hasInput ? [null] : []), ...distinct(ours.map((s) => s.layer))];
  const wantedLayer = layers.find((i) => i !== null && detail.layers[i].path === state.layer);
  // Class maps are best at the last layer.
  const usualLayer = ours[0].kind === "evidence" ? layers[layers.length - 1] : layers[0];
  const layer = wantedLayer ?? usualLayer ?? null;

  const here = ours.filter((s) => s.layer === layer);
  const images = distinct(here.map((s) => s.image));
  const image = images.find((i) => detail.images[i].name === state.image) ?? images[0] ?? null;
  const series = here.find((s) => s.image === image) ?? here[0];

  const steps = union(
    distinct(ours.map((s) => s.step_list)).map((i) => detail.reply.step_lists[i])
  );
  const at = sliderAt(state, steps);
  return at && { detail, names, name, layers, layer, images, image, series, ...at };
}

/**
 * Selects among the measures of a run, for a view that can do without pictures.
 * @param {State} state
 * @param {RunDetail} detail
 * @returns {MeasureSelection | null} null where the run has no measures
 */
export function selectMeasures(state, detail) {
  const known = [...new Set(detail.reply.measures.flatMap((measure) => measure.names))];
  if (known.length === 0) return null;
  const names = known.map((name) => ({ name, title: "" }));
  const name = known.find((own) => own === state.name) ?? known[0];
  const layers = detail.layers.map((_, i) => i);
  const layer = layers.find((i) => detail.layers[i].path === state.layer) ?? layers[0] ?? null;
  const at = sliderAt(state, detail.reply.steps.step);
  return at && { detail, names, name, layers, layer, images: [], image: null, series: null, ...at };
}

/**
 * The picture of a series at the slider's step: the latest that is not after it.
 * @param {RunDetail} detail
 * @param {SeriesInfo} series
 * @param {number} step
 * @returns {PictureKey | null}
 */
export function keyAt(detail, series, step) {
  const steps = detail.steps(series);
  const place = placeOf(steps, step);
  return place < 0 ? null : detail.key(series, steps[place]);
}

/**
 * @param {State} state
 * @param {number[]} steps ascending
 * @returns {Pick<MeasureSelection, "steps" | "place" | "step" | "following"> | null} null where
 *   there is no step
 */
function sliderAt(state, steps) {
  const following = state.step === null;
  const place = following ? steps.length - 1 : placeOf(steps, /** @type {number} */ (state.step));
  return place < 0 ? null : { steps, place, step: steps[place], following };
}

/** @param {(number | null)[]} places @returns {number[]} ascending */
function distinct(places) {
  const numbers = /** @type {number[]} */ (places.filter((p) => p !== null));
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** @param {number[][]} lists ascending ones @returns {number[]} */
function union(lists) {
  return lists.length === 1 ? lists[0] : distinct(lists.flat());
}
