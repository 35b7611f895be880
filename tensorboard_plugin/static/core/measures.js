/**
 * The meaning of measures, the numbers that callbacks report. Any measure can be shown; for the
 * known ones there are a title, a range and a description.
 */

import { capital, number, percent } from "./format.js";

/**
 * @typedef {object} Meaning
 * @property {string} title
 * @property {string} short title where there is little room
 * @property {string} about one or two sentences, or ""
 * @property {boolean} isFault whether high values say that something is wrong
 * @property {[number, number] | null} range the lowest and the highest possible value
 * @property {(value: number | null) => string} write
 * @property {(value: number) => string} inWords such as "25 % dead"
 */

/** @type {{[measure: string]: Meaning}} */
const KNOWN = {
  dead_channels: {
    title: "Dead channels",
    short: "Dead",
    isFault: true,
    about:
      "Fraction of the layer's channels that are zero everywhere on every held-out image. " +
      "A layer in full red outputs nothing but zeros.",
    range: [0, 1],
    write: percent,
    inWords: (value) => (value === 0 ? "none dead" : `${percent(value)} dead`),
  },
  blank_channels: {
    title: "Blank channels",
    short: "Blank here",
    isFault: true,
    about:
      "Fraction of the channels that are zero everywhere on this image; " +
      "of filter patterns, of the filters without a gradient.",
    range: [0, 1],
    write: percent,
    inWords: (value) => `${percent(value)} blank`,
  },
};

/**
 * @param {string} measure
 * @returns {Meaning}
 */
export function meaningOf(measure) {
  if (Object.hasOwn(KNOWN, measure)) return KNOWN[measure];
  const title = capital(measure.replaceAll("_", " "));
  const inWords = (/** @type {number} */ value) => `${title} ${number(value)}`;
  const common = { about: "", isFault: false, range: null };
  return { title, short: title, ...common, write: number, inWords };
}

/** How much a picture differs from the one before it. @type {Meaning} */
export const CHANGE = {
  title: "Change since the capture before",
  short: "Change",
  isFault: false,
  about:
    "Mean difference of each picture from the one before it. " +
    "Full blue is still learning, faint has settled.",
  range: null,
  write: percent,
  inWords: (value) => `${percent(value)} changed`,
};
