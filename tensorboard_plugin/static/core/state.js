/**
 * The one state of the tab: what is looked at and how. The address mirrors it, so that a link
 * restores it and Back and Forward walk through it.
 */

import { onAddress, readAddress, writeAddress } from "./host_window.js";

/**
 * @typedef {object} State
 * @property {string} view
 * @property {string} run names: "" leaves the choice to the tab
 * @property {string} technique
 * @property {string} layer
 * @property {string} image
 * @property {number | null} step null follows the latest
 * @property {number | null} item channel or filter that is open alone
 * @property {number | null} zoom screen pixels for one of the picture; null fits
 * @property {string} size of thumbnails
 * @property {string} sort of channels: network, mean
 * @property {string} dead channels: show, hide
 * @property {string} colors of the heat map
 * @property {number} opacity of the heat map, per cent
 * @property {number} threshold of the heat map, per cent
 * @property {string} show which images: all, right, wrong
 * @property {string} mode of comparison: side, swipe, difference
 * @property {string} runB "" is the same as on the other side, as for the next two
 * @property {string} imageB
 * @property {number | null} stepB null is in step with the other side
 */

/** @type {Readonly<State>} */
export const DEFAULTS = Object.freeze({
  view: "layers",
  run: "",
  technique: "",
  layer: "",
  image: "",
  step: null,
  item: null,
  zoom: null,
  size: "medium",
  sort: "network",
  dead: "show",
  colors: "turbo",
  opacity: 55,
  threshold: 0,
  show: "all",
  mode: "side",
  runB: "",
  imageB: "",
  stepB: null,
});

/** A change of one of these is a place to come back to. @type {(keyof State)[]} */
const PLACES = ["view", "run", "technique", "layer", "image", "item"];

/** What may stand in the address for those that are no free text. */
const CHOICES = /** @type {{[key: string]: string[]}} */ ({
  view: ["layers", "picture", "channels", "classmap", "compare", "health"],
  size: ["small", "medium", "large"],
  sort: ["network", "mean"],
  dead: ["show", "hide"],
  show: ["all", "right", "wrong"],
  mode: ["side", "swipe", "difference"],
});

/** Lowest and highest of the numbers. @type {{[key: string]: [number, number]}} */
const RANGES = {
  step: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  stepB: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  item: [0, Number.MAX_SAFE_INTEGER],
  zoom: [0.05, 64],
  opacity: [0, 100],
  threshold: [0, 100],
};

/**
 * @param {{[key: string]: string}} parameters of an address, to be trusted in nothing
 * @returns {State}
 */
export function parseState(parameters) {
  const state = /** @type {any} */ ({ ...DEFAULTS });
  for (const [key, text] of Object.entries(parameters)) {
    if (!Object.hasOwn(DEFAULTS, key)) continue;
    if (key in RANGES) {
      const [low, high] = RANGES[key];
      const number = Number(text);
      const whole = key === "zoom" || Number.isInteger(number);
      if (text.trim() !== "" && whole && number >= low && number <= high) state[key] = number;
    } else if (!(key in CHOICES) || CHOICES[key].includes(text)) {
      state[key] = text;
    }
  }
  return state;
}

/**
 * @param {State} state
 * @returns {{[key: string]: string}} only what differs from the defaults
 */
export function formatState(state) {
  /** @type {{[key: string]: string}} */
  const parameters = {};
  for (const [key, value] of Object.entries(state)) {
    const usual = /** @type {any} */ (DEFAULTS)[key];
    if (value !== usual && value !== null) parameters[key] = String(value);
  }
  return parameters;
}

export class Store {
  /** @type {State} */
  #state = parseState(readAddress() ?? {});
  /** @type {(() => void)[]} */
  #listeners = [];
  /** @type {number | undefined} */
  #pending;

  constructor() {
    onAddress(() => {
      const parameters = readAddress();
      if (parameters === null) return;
      const state = parseState(parameters);
      if (sameState(state, this.#state)) return;
      window.clearTimeout(this.#pending);
      this.#pending = undefined;
      this.#state = state;
      this.#tell();
    });
  }

  get state() {
    return this.#state;
  }

  /** @param {() => void} listener called after each change */
  subscribe(listener) {
    this.#listeners.push(listener);
  }

  /**
   * @param {Partial<State>} patch
   * @param {{push?: boolean}} [options] whether Back shall lead to the state before; default:
   *   where another place is shown
   */
  update(patch, options = {}) {
    const before = this.#state;
    const after = { ...before, ...patch };
    if (sameState(before, after)) return;
    const push = options.push ?? PLACES.some((key) => before[key] !== after[key]);
    if (push) this.mirror();
    this.#state = after;
    if (push) {
      writeAddress(formatState(after), true);
    } else {
      // A slider that is dragged would write more often than browsers allow.
      this.#pending ??= window.setTimeout(() => this.mirror(), 150);
    }
    this.#tell();
  }

  /** Writes the state into the address now. */
  mirror() {
    window.clearTimeout(this.#pending);
    this.#pending = undefined;
    if (readAddress() !== null) writeAddress(formatState(this.#state), false);
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}

/** @param {State} a @param {State} b */
function sameState(a, b) {
  return Object.keys(DEFAULTS).every(
    (key) => a[/** @type {keyof State} */ (key)] === b[/** @type {keyof State} */ (key)]
  );
}
