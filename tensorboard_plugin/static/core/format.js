/** Numbers and names as people read them. */

const MISSING = "–";

/** @param {number | null | undefined} value */
export function number(value) {
  if (value === null || value === undefined) return MISSING;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(2).replace("e+", "e");
  return String(Number(value.toPrecision(4)));
}

/** With its sign. @param {number | null | undefined} value */
export function signed(value) {
  return value !== null && value !== undefined && value > 0 ? `+${number(value)}` : number(value);
}

/** @param {number | null | undefined} fraction */
export function percent(fraction) {
  if (fraction === null || fraction === undefined) return MISSING;
  const value = fraction * 100;
  if (value > 0 && value < 1) return "<1 %";
  if (value < 100 && value > 99) return ">99 %";
  return `${Math.round(value)} %`;
}

/** @param {number[]} shape */
export const shape = (shape) => shape.join(" × ");

/** @param {number} bytes */
export function bytes(bytes) {
  if (bytes < 1e3) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** @param {RunSummary} run */
export function runName(run) {
  const name = run.name === "." ? "(log directory)" : run.name;
  return run.training > 1 ? `${name}, training ${run.training}` : name;
}

/**
 * The last name of a layer path, and the path of the model that it is in.
 * @param {string} path
 * @returns {{group: string, name: string}}
 */
export function splitPath(path) {
  const cut = path.lastIndexOf("/");
  return { group: cut < 0 ? "" : path.slice(0, cut), name: path.slice(cut + 1) };
}

/** @param {string} text */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
