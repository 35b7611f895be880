/**
 * What may be in the address: each part is a parameter with its default and its possible values.
 * What an address says is checked: any text may come from it.
 */

/** @typedef {string | number | null} Value */

/**
 * @template {Value} T
 * @typedef {object} Parameter
 * @property {T} usual value where the address says nothing
 * @property {(text: string) => T | undefined} parse undefined where the text is not possible
 * @property {boolean} isPlace whether Back leads to the value before a change
 * @property {boolean} ofLayer whether another layer brings the default back
 * @property {string} former name that it had in links of older releases; "" for none
 */

/** @typedef {{[name: string]: Parameter<any>}} Parameters */

/**
 * The values of some parameters.
 * @template {Parameters} P
 * @typedef {{[name in keyof P]: P[name] extends Parameter<infer T> ? T : never}} Values
 */

/** @typedef {{isPlace?: boolean, ofLayer?: boolean, former?: string}} Options */

/**
 * Any text; "" is the default.
 * @param {Options} [options]
 * @returns {Parameter<string>}
 */
export function text(options) {
  return parameter("", (text) => text, options);
}

/**
 * One of a few words, of which the first is the default.
 * @param {string[]} words
 * @param {Options} [options]
 * @returns {Parameter<string>}
 */
export function choice(words, options) {
  return parameter(words[0], (text) => (words.includes(text) ? text : undefined), options);
}

/**
 * A number within limits.
 * @template {number | null} T
 * @param {number} low
 * @param {number} high
 * @param {T} usual
 * @param {Options} [options]
 * @returns {Parameter<number | T>}
 */
export function number(low, high, usual, options) {
  const parse = (/** @type {string} */ text) => {
    const value = text.trim() === "" ? NaN : Number(text);
    return value >= low && value <= high ? value : undefined;
  };
  return parameter(/** @type {number | T} */ (usual), parse, options);
}

/**
 * A whole number within limits.
 * @template {number | null} T
 * @param {number} low
 * @param {number} high
 * @param {T} usual
 * @param {Options} [options]
 * @returns {Parameter<number | T>}
 */
export function whole(low, high, usual, options) {
  const { parse } = number(low, high, usual);
  const parseWhole = (/** @type {string} */ text) => {
    const value = parse(text);
    return Number.isInteger(value) ? value : undefined;
  };
  return parameter(/** @type {number | T} */ (usual), parseWhole, options);
}

/**
 * @template {Value} T
 * @param {T} usual
 * @param {(text: string) => T | undefined} parse
 * @param {Options} [options]
 * @returns {Parameter<T>}
 */
function parameter(usual, parse, { isPlace = false, ofLayer = false, former = "" } = {}) {
  return { usual, parse, isPlace, ofLayer, former };
}
