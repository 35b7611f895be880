/** From a view of many pictures to the view of one. */

/**
 * @import { RunDetail } from "../core/run_detail.js"
 * @import { Patch, Store } from "../core/state.js"
 */

/**
 * Opens the picture of a layer, or the map of the input in the view that draws it over the image.
 * @param {Store} store
 * @param {RunDetail} detail
 * @param {SeriesInfo} series
 * @param {number | null} step null is the slider's
 */
export function openSeries(store, detail, { name, layer }, step) {
  /** @type {Patch} */
  const patch = { name, zoom: null };
  if (layer === null) {
    patch.view = "classmap";
  } else {
    patch.view = "picture";
    patch.layer = detail.layers[layer].path;
  }
  store.update(step === null ? patch : { ...patch, step });
}
