/** The difference of two pictures: blue where the second is lower, red where it is higher. */

import { divergingColor } from "./colormaps.js";

/**
 * @import { Values } from "./picture_values.js"
 */

/**
 * @typedef {object} Difference
 * @property {HTMLCanvasElement} canvas
 * @property {number} largest absolute difference, in the unit of the values
 * @property {number} mean absolute difference
 */

/**
 * @param {Values} a
 * @param {Values} b of the same size
 * @returns {Difference}
 */
export function valueDifference(a, b) {
  const { width, height } = a;
  let [largest, sum, count] = [0, 0, 0];
  for (let i = 0; i < a.data.length; i++) {
    const size = Math.abs(b.data[i] - a.data[i]);
    if (Number.isNaN(size)) continue;
    largest = Math.max(largest, size);
    sum += size;
    count += 1;
  }
  const pixels = new ImageData(width, height);
  for (let i = 0; i < a.data.length; i++) {
    const part = largest > 0 ? (b.data[i] - a.data[i]) / largest : 0;
    if (Number.isNaN(part) || Number.isNaN(b.data[i])) continue; // stays transparent
    // The root makes small differences visible.
    pixels.data.set(divergingColor(Math.sign(part) * Math.sqrt(Math.abs(part))), 4 * i);
    pixels.data[4 * i + 3] = 255;
  }
  return { canvas: canvasOf(pixels), largest, mean: count > 0 ? sum / count : 0 };
}

/**
 * Absolute difference of colours, for pictures without values.
 * @param {HTMLImageElement} a
 * @param {HTMLImageElement} b of the same size
 * @returns {Difference} in parts of the brightest
 */
export function colorDifference(a, b) {
  const [first, second] = [pixelsOf(a), pixelsOf(b)];
  let [largest, sum] = [0, 0];
  for (let i = 0; i < first.data.length; i++) {
    if (i % 4 === 3) continue;
    const size = Math.abs(first.data[i] - second.data[i]);
    largest = Math.max(largest, size);
    sum += size;
    first.data[i] = size;
  }
  const gain = largest > 0 ? 255 / largest : 1;
  for (let i = 0; i < first.data.length; i++) {
    first.data[i] = i % 4 === 3 ? 255 : first.data[i] * gain;
  }
  const count = (first.data.length * 3) / 4;
  return { canvas: canvasOf(first), largest: largest / 255, mean: sum / count / 255 };
}

/** @param {HTMLImageElement} image */
function pixelsOf(image) {
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** @param {ImageData} pixels */
function canvasOf(pixels) {
  const canvas = document.createElement("canvas");
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  return canvas;
}
