/** The routes of HTTP_API.md: addresses of pictures, and JSON with its errors. */

/** Why a request failed; `message` can be shown to users. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 where no answer came
   * @param {string} code
   */
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** @typedef {{[name: string]: string | number | string[] | null | undefined}} Parameters */

/**
 * @param {string} route
 * @param {Parameters} parameters null and undefined are left out, lists repeated
 * @returns {string} relative to the iframe's base
 */
export function address(route, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null || value === undefined) continue;
    for (const item of Array.isArray(value) ? value : [value]) query.append(name, String(item));
  }
  const text = query.toString();
  return text ? `${route}?${text}` : route;
}

/**
 * @param {string} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<Response>} a response without an error
 */
export async function get(url, signal) {
  let response;
  try {
    // Only an answer whose address has the stamp `v` never changes.
    const cache = new URLSearchParams(url.split("?")[1]).has("v") ? "default" : "no-cache";
    response = await fetch(url, { signal, cache });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("TensorBoard does not answer. Is it still running?", 0, "unreachable");
  }
  if (response.ok) return response;
  let message = `TensorBoard answered with status ${response.status}.`;
  let code = "unknown";
  try {
    const { error } = await response.json();
    message = String(error.message);
    code = String(error.code);
  } catch {
    // The answer is not of our server.
  }
  throw new ApiError(message, response.status, code);
}

/**
 * @param {string} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
async function json(url, signal) {
  return (await get(url, signal)).json();
}

/** @param {AbortSignal} [signal] @returns {Promise<RunsReply>} */
export const fetchRuns = (signal) => json("runs", signal);

/** @param {string} run @param {AbortSignal} [signal] @returns {Promise<RunReply>} */
export const fetchRun = (run, signal) => json(address("run", { run }), signal);

/** @param {Parameters} parameters @param {AbortSignal} [signal] @returns {Promise<SeriesReply>} */
export const fetchSeries = (parameters, signal) => json(address("series", parameters), signal);

/** @param {Parameters} parameters @param {AbortSignal} [signal] @returns {Promise<HealthReply>} */
export const fetchHealth = (parameters, signal) => json(address("health", parameters), signal);

/** @param {Parameters} parameters @param {AbortSignal} [signal] @returns {Promise<MetricsReply>} */
export const fetchMetrics = (parameters, signal) => json(address("metrics", parameters), signal);

/** @param {Parameters} parameters @param {AbortSignal} [signal] @returns {Promise<ChannelReply>} */
export const fetchChannel = (parameters, signal) => json(address("channel", parameters), signal);

/**
 * One picture: which series of which run, at which step, with the step's stamp.
 * @typedef {{run: string, tag: string, step: number, v: string | null}} PictureKey
 */

/** @param {PictureKey} key @param {AbortSignal} [signal] @returns {Promise<RecordReply>} */
export const fetchRecord = (key, signal) => json(address("record", { ...key }), signal);

/** @param {PictureKey} key */
export const pictureUrl = (key) => address("picture", { ...key });

/** @param {PictureKey} key */
export const downloadUrl = (key) => address("picture", { ...key, download: 1 });

/** @param {PictureKey} key */
export const levelsUrl = (key) => address("levels", { ...key });

/** @param {PictureKey} key */
export const heatMapUrl = (key) => address("heat_map", { ...key });

/**
 * @param {PictureKey} key
 * @param {number} pixels the longer side on the screen, in CSS pixels
 */
export function thumbnailUrl(key, pixels) {
  const size = Math.min(512, Math.ceil((pixels * window.devicePixelRatio) / 32) * 32);
  return address("thumbnail", { ...key, size });
}

/** @param {PictureKey} key @param {number} item @param {number} [size] */
export const cellUrl = (key, item, size) => address("cell", { ...key, item, size });

/** @param {Parameters} parameters */
export const gifUrl = (parameters) => address("export.gif", parameters);

/** @param {Parameters} parameters */
export const zipUrl = (parameters) => address("export.zip", parameters);
