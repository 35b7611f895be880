/** Plays the epochs like a film, in a loop. */

/**
 * @import { MeasureSelection } from "./selection.js"
 * @import { Store } from "./state.js"
 */

export const SPEEDS = [1, 2, 4, 8, 16];

export class Playback {
  playing = false;
  /** Steps a second. */
  speed = 4;
  #store;
  /** @type {MeasureSelection | null} */
  #selection = null;
  /** @type {number | undefined} */
  #timer;
  #changed;

  /**
   * @param {Store} store
   * @param {() => void} changed
   */
  constructor(store, changed) {
    this.#store = store;
    this.#changed = changed;
  }

  /** @param {MeasureSelection | null} selection what there is to play */
  update(selection) {
    this.#selection = selection;
    if (this.playing && (selection === null || selection.steps.length < 2)) this.toggle();
  }

  toggle() {
    this.playing = !this.playing;
    window.clearInterval(this.#timer);
    if (this.playing) {
      this.#timer = window.setInterval(() => this.#next(), 1000 / this.speed);
      this.#next();
    }
    this.#changed();
  }

  /** @param {number} speed */
  setSpeed(speed) {
    this.speed = speed;
    if (this.playing) {
      window.clearInterval(this.#timer);
      this.#timer = window.setInterval(() => this.#next(), 1000 / speed);
    }
    this.#changed();
  }

  #next() {
    if (this.#selection === null) return;
    const { steps, place } = this.#selection;
    this.#store.update({ step: steps[(place + 1) % steps.length] }, { push: false });
  }
}
