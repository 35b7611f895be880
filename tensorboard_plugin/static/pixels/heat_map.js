/** Colours and enlarges class activation maps in the browser. */

/** Seventeen colours at equal distances; what lies between is interpolated. */
const STOPS = {
  turbo:
    "30123b4040a2466be34294ff28bceb18ddc232f2986dfe62a4fc3ccdec34eecf3afdac34fb7e21eb500ed02f05a916017a0403",
  inferno:
    "0000040b0724210c4a3d096557106e71196e8a226aa32c61bc3754d24644e45a31f1731df98e09fcac11f9cb35f2ea69fcffa4",
  viridis:
    "44015448186a472d7b4240863b528b33638d2c728e26828e21918c1fa08828ae803fbc735ec96284d44baddc30d8e219fde725",
  jet: "0000800000c80000ff0040ff0080ff00c0ff16ffe149ffad7dff7ab1ff46e4ff13ffd000ff9400ff5900ff1e00c40000800000",
  grey: "000000ffffff",
};

export const HEAT_COLORMAPS = Object.keys(STOPS);

/**
 * @param {string} name one of `HEAT_COLORMAPS`; turbo stands in for others
 * @returns {Uint8Array} 256 colours of three bytes
 */
export function heatColors(name) {
  const hex = /** @type {{[name: string]: string}} */ (STOPS)[name] ?? STOPS.turbo;
  const stops = (hex.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
  const last = stops.length / 3 - 1;
  const table = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * last;
    const low = Math.min(Math.floor(place), last - 1);
    for (let c = 0; c < 3; c++) {
      const [a, b] = [stops[3 * low + c], stops[3 * low + 3 + c]];
      table[3 * i + c] = Math.round(a + (b - a) * (place - low));
    }
  }
  return table;
}

/**
 * Enlarges a map bilinearly with half-pixel centres, as the callbacks' own overlay does.
 * @param {ArrayLike<number>} map values by row, `width` × `height`
 * @param {number} width
 * @param {number} height
 * @param {number} toWidth
 * @param {number} toHeight
 * @returns {Float32Array} in the unit of `map`
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
 * Colours of an enlarged map; what lies below the threshold is left out.
 * @param {Float32Array} values between 0 and `maximum`
 * @param {number} maximum
 * @param {Uint8Array} colors of `heatColors`
 * @param {number} opacity between 0 and 1
 * @param {number} threshold between 0 and 1, as a fraction of the maximum
 * @param {Uint8ClampedArray} out four bytes for each value
 */
export function paintHeat(values, maximum, colors, opacity, threshold, out) {
  const alpha = Math.round(opacity * 255);
  for (let i = 0; i < values.length; i++) {
    const fraction = maximum > 0 ? values[i] / maximum : 0;
    const color = 3 * Math.max(0, Math.min(255, Math.round(fraction * 255)));
    out[4 * i] = colors[color];
    out[4 * i + 1] = colors[color + 1];
    out[4 * i + 2] = colors[color + 2];
    out[4 * i + 3] = fraction >= threshold ? alpha : 0;
  }
}
