/**
 * The state of the tab: what is shown and how. The address holds it, so that a link restores it
 * and Back and Forward work.
 */

import { onAddress, readAddress, writeAddress } from "./host_window.js";
import { choice, text, whole } from "./parameters.js";

/** @import { Parameters, Value, Values } from "./parameters.js" */

/** A step of the slider; null follows the latest. */
export const stepParameter = () => whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, null);

/** What all views have; "" leaves the choice to the tab. */
const SHARED = {
  run: text({ isPlace: true }),
  /** Name of the callback that drew the pictures. */
  name: text({ isPlace: true, former: "technique" }),
  layer: text({ isPlace: true }),
  image: text({ isPlace: true }),
  step: stepParameter(),
};

/** @typedef {{view: string} & Values<typeof SHARED>} State what all views know of it */
/** @typedef {Partial<State> & {[name: string]: Value | undefined}} Patch */

/**
 * Every parameter of the address: those of all views, and each view's own.
 * @param {{id: string, parameters: Parameters}[]} views the first one opens where none is chosen
 * @returns {Parameters}
 */
export function gatherParameters(views) {
  const ids = views.map(({ id }) => id);
  /** @type {Parameters} */
  const all = { view: choice(ids, { isPlace: true }), ...SHARED };
  for (const { id, parameters } of views) {
    for (const [name, parameter] of Object.entries(parameters)) {
      if (Object.hasOwn(all, name) && all[name] !== parameter) {
        throw new Error(
          `View "${id}": another parameter is called "${name}". Give it another name.`
        );
      }
      all[name] = parameter;
    }
  }
  return all;
}

export class Store {
  #parameters;
  /** @type {State} */
  #state;
  /** @type {(() => void)[]} */
  #listeners = [];
  /** @type {number | undefined} */
  #pending;

  /** @param {Parameters} parameters of `gatherParameters` */
  constructor(parameters) {
    this.#parameters = parameters;
    this.#state = this.#parse(readAddress() ?? {});
    onAddress(() => {
      const address = readAddress();
      if (address === null) return;
      const state = this.#parse(address);
      if (this.#isSame(state, this.#state)) return;
      window.clearTimeout(this.#pending);
      this.#pending = undefined;
      this.#state = state;
      this.#notify();
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
   * @param {Patch} patch
   * @param {{push?: boolean}} [options] whether Back leads to the state before; default:
   *   if another place is shown
   */
  update(patch, options = {}) {
    const before = this.#state;
    const after = this.#merge(before, patch);
    if (this.#isSame(before, after)) return;
    const push = options.push ?? this.#differs(before, after, ({ isPlace }) => isPlace);
    if (push) this.mirror();
    this.#state = after;
    if (push) {
      writeAddress(this.#format(after), true);
    } else {
      // A slider that is dragged would write more often than browsers allow.
      this.#pending ??= window.setTimeout(() => this.mirror(), 150);
    }
    this.#notify();
  }

  /** Writes the state into the address now. */
  mirror() {
    window.clearTimeout(this.#pending);
    this.#pending = undefined;
    if (readAddress() !== null) writeAddress(this.#format(this.#state), false);
  }

  #notify() {
    for (const listener of this.#listeners) listener();
  }

  /**
   * @param {{[name: string]: string}} address
   * @returns {State}
   */
  #parse(address) {
    /** @type {{[name: string]: Value}} */
    const state = {};
    for (const [name, { usual, parse, former }] of Object.entries(this.#parameters)) {
      const given = [name, former].find((key) => Object.hasOwn(address, key));
      const value = given === undefined ? undefined : parse(address[given]);
      state[name] = value === undefined ? usual : value;
    }
    return /** @type {State} */ (state);
  }

  /**
   * @param {State} state
   * @returns {{[name: string]: string}} only what differs from the defaults
   */
  #format(state) {
    /** @type {{[name: string]: string}} */
    const address = {};
    for (const [name, value] of Object.entries(state)) {
      if (value !== this.#parameters[name].usual && value !== null) address[name] = String(value);
    }
    return address;
  }

  /**
   * @param {State} before
   * @param {Patch} patch
   * @returns {State}
   */
  #merge(before, patch) {
    const after = /** @type {{[name: string]: any}} */ ({ ...before });
    if (patch.layer !== undefined && patch.layer !== before.layer) {
      for (const [name, { ofLayer, usual }] of Object.entries(this.#parameters)) {
        if (ofLayer) after[name] = usual;
      }
    }
    return /** @type {State} */ (Object.assign(after, patch));
  }

  /** @param {State} a @param {State} b */
  #isSame(a, b) {
    return !this.#differs(a, b, () => true);
  }

  /**
   * @param {{[name: string]: any}} a
   * @param {{[name: string]: any}} b
   * @param {(parameter: Parameters[string]) => boolean} counts
   */
  #differs(a, b, counts) {
    return Object.entries(this.#parameters).some(
      ([name, parameter]) => counts(parameter) && a[name] !== b[name]
    );
  }
}
