/** Scales, enlarges and colours heat maps in the browser. */

/** @import { Samples } from "./png_samples.js" */

/**
 * How samples of a map become values.
 * @typedef {object} Scale
 * @property {number} low value of the lowest sample
 * @property {number} unit difference between two samples
 * @property {number} largest absolute value: that of the last colour; of a signed map the quantile
 *   `SIGNED_QUANTILE`, since a few pixels are many times stronger than all others
 * @property {boolean} isSigned whether there are values below zero: zero has the middle colour then
 */

/** As in the callbacks' overlay. */
const SIGNED_QUANTILE = 0.99;

/**
 * @param {Samples} map
 * @param {[number, number] | null} range values of the lowest and the highest sample
 * @returns {Scale}
 */
export function scaleOf(map, range) {
  const [low, high] = range ?? [0, 1];
  const top = map.depth === 16 ? 65535 : 255;
  const unit = (high - low) / top;
  const isSigned = low < 0;
  let largest = Math.max(Math.abs(low), Math.abs(high));
  if (isSigned) {
    const magnitudes = Float32Array.from(map.data, (sample) =>
      Math.abs(low + unit * sample)
    ).sort();
    const quantile = magnitudes[Math.ceil(SIGNED_QUANTILE * (magnitudes.length - 1))];
    // Zero has no grey level of its own: what is less than one is zero.
    if (quantile > unit) largest = quantile;
  }
  return { low, unit, largest, isSigned };
}

/** @param {Scale} scale @param {number} sample @returns {number} its value */
export const valueIn = ({ low, unit }, sample) => low + unit * sample;

/**
 * @param {Scale} scale
 * @param {number} sample
 * @returns {number} its value as a part of the largest: from 0 to 1; if signed of any size
 */
export function partOf(scale, sample) {
  return scale.largest > 0 ? valueIn(scale, sample) / scale.largest : 0;
}

/**
 * Enlarges a map bilinearly with half-pixel centres, as the callbacks' own overlay does.
 * @param {ArrayLike<number>} map values by row, `width` × `height`
 * @param {number} width
 * @param {number} height
 * @param {number} toWidth
 * @param {number} toHeight
 * @returns {Float32Array} samples, in the unit of `map`
 */
export function enlarge(map, width, height, toWidth, toHeight) {
  const out = new Float32Array(toWidth * toHeight);
  const across = weights(width, toWidth);
  const down = weights(height, toHeight);
  for (let y = 0; y < toHeight; y++) {
    const [top, bottom, v] = [down.low[y] * width, down.high[y] * width, down.part[y]];
    for (let x = 0; x < toWidth; x++) {
      const [l, r, u] = [across.low[x], across.high[x], across.part[x]];
      const upper = map[top + l] * (1 - u) + map[top + r] * u;
      const lower = map[bottom + l] * (1 - u) + map[bottom + r] * u;
      out[y * toWidth + x] = upper * (1 - v) + lower * v;
    }
  }
  return out;
}

/**
 * @param {number} from
 * @param {number} to
 */
function weights(from, to) {
  const low = new Int32Array(to);
  const high = new Int32Array(to);
  const part = new Float32Array(to);
  for (let i = 0; i < to; i++) {
    const place = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    low[i] = Math.floor(place);
    high[i] = Math.min(low[i] + 1, from - 1);
    part[i] = place - low[i];
  }
  return { low, high, part };
}

/**
 * Colours of an enlarged map; values below the threshold are left out. In a signed map the opacity
 * grows with the absolute value, as in the callbacks' overlay: zero leaves the image as it is.
 * @param {Float32Array} samples
 * @param {Scale} scale
 * @param {{colors: Uint8Array, opacity: number, threshold: number}} look colours of `colorTable`;
 *   opacity and threshold between 0 and 1, the threshold as a part of the largest absolute value
 * @param {Uint8ClampedArray} out four bytes for each sample
 */
export function paintHeat(samples, scale, { colors, opacity, threshold }, out) {
  for (let i = 0; i < samples.length; i++) {
    const part = partOf(scale, samples[i]);
    const place = scale.isSigned ? (part + 1) / 2 : part;
    const color = 3 * Math.max(0, Math.min(255, Math.round(place * 255)));
    out[4 * i] = colors[color];
    out[4 * i + 1] = colors[color + 1];
    out[4 * i + 2] = colors[color + 2];
    const strength = Math.abs(part);
    const alpha = scale.isSigned ? opacity * Math.min(1, strength) : opacity;
    out[4 * i + 3] = strength >= threshold ? Math.round(alpha * 255) : 0;
  }
}
