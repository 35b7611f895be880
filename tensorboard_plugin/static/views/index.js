/** The views, in the order in which they stand. One more view is one file and one line here. */

import { channelsView } from "./channels/channels_view.js";
import { classMapView } from "./class_map/class_map_view.js";
import { compareView } from "./compare/compare_view.js";
import { healthView } from "./health/health_view.js";
import { layersView } from "./layers/layers_view.js";
import { pictureView } from "./picture/picture_view.js";

/**
 * @typedef {object} Context what a view gets to see and to do
 * @property {import("../core/state.js").Store} store
 * @property {import("../core/log_model.js").Model} model
 * @property {import("../core/playback.js").Playback} playback
 */

/**
 * @typedef {import("../core/selection.js").Selection} Selection
 * @typedef {import("../core/state.js").State} State
 */

/**
 * @typedef {object} Mounted a view on the page
 * @property {HTMLElement} node
 * @property {(selection: Selection, state: State) => void} update called after each change
 * @property {(factor: number) => void} [zoomBy]
 * @property {() => void} [destroy]
 */

/**
 * @typedef {object} View
 * @property {string} id in the address
 * @property {string} label
 * @property {string} missing what to say where there is nothing that it can show
 * @property {(series: SeriesInfo) => boolean} accepts
 * @property {("technique" | "layer" | "image")[]} pickers that make sense
 * @property {(context: Context) => Mounted} mount
 */

/** @type {View[]} */
export const VIEWS = [layersView, pictureView, channelsView, classMapView, compareView, healthView];
