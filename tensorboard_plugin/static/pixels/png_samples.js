/**
 * Reads PNGs as numbers: the browser's own decoder cuts 16-bit heat maps to 8 bits and turns
 * palette indices into colours. Non-interlaced files of one sample a pixel (greyscale, palette)
 * with 8 or 16 bits; the callbacks write no others.
 */

/**
 * @typedef {object} Samples
 * @property {number} width
 * @property {number} height
 * @property {number} depth bits a sample
 * @property {Uint16Array | Uint8Array} data row by row
 * @property {Uint8Array | null} palette red, green, blue of each index
 */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const GREY = 0;
const PALETTE = 3;

/**
 * @param {ArrayBuffer} buffer
 * @returns {Promise<Samples>}
 */
export async function decodePng(buffer) {
  const bytes = new Uint8Array(buffer);
  if (!SIGNATURE.every((b, i) => bytes[i] === b)) throw new Error("Not a PNG.");
  const view = new DataView(buffer);
  let width = 0;
  let height = 0;
  let depth = 0;
  let palette = null;
  const packed = [];
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const start = at + 8;
    if (type === "IHDR") {
      width = view.getUint32(start);
      height = view.getUint32(start + 4);
      depth = bytes[start + 8];
      const colour = bytes[start + 9];
      const plain =
        (colour === GREY && (depth === 8 || depth === 16)) || (colour === PALETTE && depth === 8);
      if (!plain || bytes[start + 12] !== 0) {
        throw new Error(`A PNG of colour type ${colour} and ${depth} bits is not supported.`);
      }
    } else if (type === "PLTE") {
      palette = bytes.slice(start, start + length);
    } else if (type === "IDAT") {
      packed.push(bytes.subarray(start, start + length));
    }
    at = start + length + 4;
  }
  const stream = new Blob(packed).stream().pipeThrough(new DecompressionStream("deflate"));
  const raw = new Uint8Array(await new Response(stream).arrayBuffer());
  const step = depth / 8;
  const rows = unfilter(raw, width * step, height, step);
  if (depth === 8) return { width, height, depth, data: rows, palette };
  const data = new Uint16Array(width * height);
  for (let i = 0; i < data.length; i++) data[i] = (rows[2 * i] << 8) | rows[2 * i + 1];
  return { width, height, depth, data, palette };
}

/**
 * Undoes the filter that each row was written with (PNG specification, section 9).
 * @param {Uint8Array} raw rows, each after the byte that names its filter
 * @param {number} stride bytes a row
 * @param {number} height
 * @param {number} step bytes a pixel
 */
function unfilter(raw, stride, height, step) {
  if (raw.length < height * (stride + 1)) throw new Error("The PNG ends too early.");
  const out = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    const from = y * (stride + 1) + 1;
    const to = y * stride;
    for (let x = 0; x < stride; x++) {
      const left = x >= step ? out[to + x - step] : 0;
      const up = y > 0 ? out[to + x - stride] : 0;
      const corner = x >= step && y > 0 ? out[to + x - stride - step] : 0;
      out[to + x] = raw[from + x] + prediction(filter, left, up, corner);
    }
  }
  return out;
}

/**
 * @param {number} filter
 * @param {number} left
 * @param {number} up
 * @param {number} corner
 */
function prediction(filter, left, up, corner) {
  switch (filter) {
    case 0:
      return 0;
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const p = left + up - corner;
      const [a, b, c] = [Math.abs(p - left), Math.abs(p - up), Math.abs(p - corner)];
      return a <= b && a <= c ? left : b <= c ? up : corner;
    }
    default:
      throw new Error(`PNG filter ${filter} does not exist.`);
  }
}
