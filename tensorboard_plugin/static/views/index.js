/** The views, in the order in which they stand. One more view is one file and one line here. */

import { channelsView } from "./channels.js";
import { classMapView } from "./classmap.js";
import { compareView } from "./compare.js";
import { healthView } from "./health.js";
import { layersView } from "./layers.js";
import { pictureView } from "./picture.js";

/**
 * @typedef {object} Context what a view gets to see and to do
 * @property {import("../state.js").Store} store
 * @property {import("../model.js").Model} model
 * @property {import("../playback.js").Playback} playback
 */

/**
 * @typedef {import("../selection.js").Selection} Selection
 * @typedef {import("../state.js").State} State
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
