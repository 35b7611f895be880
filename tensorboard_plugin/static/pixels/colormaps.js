/** Colours for numbers: for values from zero up, and for those around zero. */

/** @typedef {[number, number, number]} Color red, green, blue, each from 0 to 255 */

/** Colours at equal distances; those between them are interpolated. */
const STOPS = {
  turbo:
    "30123b4040a2466be34294ff28bceb18ddc232f2986dfe62a4fc3ccdec34eecf3afdac34fb7e21eb500ed02f05a9" +
    "16017a0403",
  inferno:
    "0000040b0724210c4a3d096557106e71196e8a226aa32c61bc3754d24644e45a31f1731df98e09fcac11f9cb35f2" +
    "ea69fcffa4",
  viridis:
    "44015448186a472d7b4240863b528b33638d2c728e26828e21918c1fa08828ae803fbc735ec96284d44baddc30d8" +
    "e219fde725",
  jet:
    "0000800000c80000ff0040ff0080ff00c0ff16ffe149ffad7dff7ab1ff46e4ff13ffd000ff9400ff5900ff1e00c4" +
    "0000800000",
  grey: "000000ffffff",
};

/** Names of the colour maps for values from zero up. */
export const COLORMAPS = Object.keys(STOPS);

/** Name of the one for values around zero. */
export const DIVERGING = "blue to red";

/** @type {Color} */
const MIDDLE = [247, 247, 247];
/** Colour-blind people can tell them apart. @type {[Color, Color]} */
const ENDS = [
  [33, 82, 170],
  [178, 34, 30],
];

/**
 * @param {number} part from -1 to 1
 * @returns {Color} blue below zero, red above, white in the middle
 */
export function divergingColor(part) {
  const end = ENDS[part < 0 ? 0 : 1];
  const strength = Math.min(1, Math.abs(part));
  const mix = (/** @type {number} */ c) => MIDDLE[c] + (end[c] - MIDDLE[c]) * strength;
  return [mix(0), mix(1), mix(2)];
}

/**
 * @param {string} name one of `COLORMAPS`, or `DIVERGING`; any other gives turbo
 * @returns {Uint8Array} 256 colours of three bytes
 */
export function colorTable(name) {
  const table = new Uint8Array(256 * 3);
  const color =
    name === DIVERGING ? (/** @type {number} */ p) => divergingColor(2 * p - 1) : ramp(name);
  for (let i = 0; i < 256; i++)
    color(i / 255).forEach((value, c) => (table[3 * i + c] = Math.round(value)));
  return table;
}

/**
 * @param {string} name
 * @returns {(part: number) => Color} of a part from 0 to 1
 */
function ramp(name) {
  const hex = /** @type {{[name: string]: string}} */ (STOPS)[name] ?? STOPS.turbo;
  const stops = (hex.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
  const last = stops.length / 3 - 1;
  return (part) => {
    const place = part * last;
    const low = Math.min(Math.floor(place), last - 1);
    const mix = (/** @type {number} */ c) =>
      stops[3 * low + c] + (stops[3 * low + 3 + c] - stops[3 * low + c]) * (place - low);
    return [mix(0), mix(1), mix(2)];
  };
}
