/** The values of pictures: of a grid under its colours, of a class map. */

import { fetchRecord, heatMapUrl, levelsUrl } from "../core/http_api.js";
import { number } from "../core/format.js";
import { scaleOf, valueIn } from "./heat_map.js";
import { loadSamples } from "./image_loading.js";

/**
 * @import { PictureKey } from "../core/http_api.js"
 */

/** Entries of a grid's palette, as HTTP_API.md has them. */
const TOP = 252;
const NOT_FINITE = 253;
const BLANK = 254;

/**
 * @typedef {object} Values
 * @property {number} width
 * @property {number} height
 * @property {Float32Array} data by row; NaN where there is no value
 */

/**
 * @param {number} level of the palette
 * @param {PictureRecord} record
 * @param {number} cell place in the grid
 * @returns {number} NaN where there is no value
 */
export function valueOf(level, record, cell) {
  if (level === BLANK) return 0;
  if (level >= NOT_FINITE) return NaN;
  const own = record.scale === "channel" && record.statistics !== null;
  const low = own ? record.statistics?.minimum[cell] : record.value_range?.[0];
  const high = own ? record.statistics?.maximum[cell] : record.value_range?.[1];
  if (typeof low !== "number" || typeof high !== "number") return NaN;
  return low + ((high - low) * level) / TOP;
}

/**
 * Where a cell of a grid begins.
 * @param {GridGeometry} grid
 * @param {number} cell
 */
export function corner(grid, cell) {
  return {
    x: grid.gap + (cell % grid.columns) * (grid.cell_width + grid.gap),
    y: grid.gap + Math.floor(cell / grid.columns) * (grid.cell_height + grid.gap),
  };
}

/**
 * The values of a picture.
 * @param {SeriesInfo} series one with levels or a heat map
 * @param {PictureKey} key
 * @param {AbortSignal} signal
 * @returns {Promise<Values>}
 */
export async function loadValues(series, key, signal) {
  const url = series.heat_map ? heatMapUrl(key) : levelsUrl(key);
  const [{ record }, samples] = await Promise.all([
    fetchRecord(key, signal),
    loadSamples(url, signal),
  ]);
  const { width, height } = samples;
  const data = new Float32Array(width * height).fill(NaN);
  if (record === null) return { width, height, data };
  if (series.heat_map) {
    const scale = scaleOf(samples, record.value_range);
    for (let i = 0; i < data.length; i++) data[i] = valueIn(scale, samples.data[i]);
  } else if (record.grid !== null) {
    fillGrid(data, width, samples.data, record, record.grid);
  }
  return { width, height, data };
}

/**
 * @param {Float32Array} out
 * @param {number} width
 * @param {ArrayLike<number>} levels
 * @param {PictureRecord} record
 * @param {GridGeometry} grid
 */
function fillGrid(out, width, levels, record, grid) {
  for (let cell = 0; cell < grid.items.length; cell++) {
    const { x, y } = corner(grid, cell);
    for (let row = y; row < y + grid.cell_height; row++) {
      for (let column = x; column < x + grid.cell_width; column++) {
        const i = row * width + column;
        out[i] = valueOf(levels[i], record, cell);
      }
    }
  }
}

/**
 * Whether a channel is zero everywhere in this picture.
 * @param {PictureRecord} record
 * @param {number} cell place in the grid
 */
export function isDead({ statistics }, cell) {
  return statistics !== null && statistics.minimum[cell] === 0 && statistics.maximum[cell] === 0;
}

/**
 * The response of each cell of a grid: its mean, or what there is instead.
 * @param {PictureRecord} record
 * @returns {(number | null)[]}
 */
export function responses({ statistics }) {
  if (statistics === null) return [];
  return statistics.mean.length > 0 ? statistics.mean : statistics.maximum;
}

/**
 * What is known of a cell, by name.
 * @param {PictureRecord} record
 * @param {number} cell place in the grid
 * @returns {[string, string][]}
 */
export function statisticsOf({ statistics }, cell) {
  if (statistics === null) return [];
  return /** @type {const} */ (["mean", "std", "minimum", "maximum", "start"])
    .filter((name) => cell < statistics[name].length)
    .map((name) => [name, number(statistics[name][cell])]);
}
