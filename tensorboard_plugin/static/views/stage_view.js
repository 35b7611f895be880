/**
 * What the views of one picture share: a stage with its zoom, and what is said while the picture
 * is loaded or when that fails.
 */

import { el } from "../core/dom.js";
import { Lane } from "../core/lane.js";
import { number } from "../core/parameters.js";
import { failed, loading } from "../widgets/notices.js";
import { Camera, Stage, zoomButtons } from "../widgets/stage.js";

/**
 * @import { Child } from "../core/dom.js"
 * @import { Values } from "../core/parameters.js"
 * @import { Selection } from "../core/selection.js"
 * @import { State, Store } from "../core/state.js"
 */

/** Parameters of every view with a stage: screen pixels for one of the picture; null fits. */
export const STAGE_PARAMETERS = { zoom: number(0.05, 64, null) };

/** @typedef {State & Values<typeof STAGE_PARAMETERS>} StageState */

/**
 * @typedef {object} Words
 * @property {string[]} stages label of each stage, for screen readers
 * @property {string} loading
 * @property {string} failed
 */

/**
 * A view is a subclass that fills in `prepare`, `load`, `draw` and `clear`, and puts `title`,
 * `zoom`, `stages` and `cover` into its `node`.
 * @abstract
 * @template {{id: string}} Wanted what is to be loaded; the same `id` is loaded once
 * @template Loaded
 * @template {StageState} ViewState
 */
export class StageView {
  #lane = new Lane();
  /** @type {{id: string, loaded: Loaded} | null} */
  #shown = null;
  /** @type {{destroy(): void}[]} */
  #owned = [];
  #words;

  /** @param {Store} store @param {Words} words */
  constructor(store, words) {
    this.store = store;
    this.#words = words;
    this.camera = new Camera((zoom) => store.update({ zoom }, { push: false }));
    this.stages = words.stages.map((label) => this.own(new Stage(this.camera, label)));
    this.stage = this.stages[0];
    this.zoom = zoomButtons(this.camera, () => this.stage);
    this.title = el("h2", { class: "title" });
    this.cover = el("div", { class: "cover" });
  }

  /**
   * Brings the controls up to date.
   * @abstract
   * @param {Selection} _selection
   * @param {ViewState} _state
   * @returns {Wanted | HTMLElement | null} what is to be loaded, or a notice that is shown
   *   instead, or null where nothing changes
   */
  prepare(_selection, _state) {
    throw new Error("A view has to fill in prepare().");
  }

  /**
   * @abstract
   * @param {Wanted} _wanted
   * @param {AbortSignal} _signal
   * @returns {Promise<Loaded>}
   */
  load(_wanted, _signal) {
    throw new Error("A view has to fill in load().");
  }

  /**
   * Puts what was loaded on the stage: after it was loaded, and after each change of the state.
   * @abstract
   * @param {Loaded} _loaded
   */
  draw(_loaded) {
    throw new Error("A view has to fill in draw().");
  }

  /**
   * Takes off the page what belongs to a picture that is no longer shown, but for the stages.
   * @abstract
   */
  clear() {
    throw new Error("A view has to fill in clear().");
  }

  /** @param {Selection} selection @param {ViewState} state */
  update(selection, state) {
    if (state.zoom !== this.camera.zoom) this.camera.look(state.zoom);
    const wanted = this.prepare(selection, state);
    if (wanted === null) return;
    if (wanted instanceof HTMLElement) {
      this.#lane.drop();
      this.#showNotice(wanted);
      return;
    }
    if (this.#shown === null) this.cover.replaceChildren(loading(this.#words.loading));
    this.#lane.ask(
      wanted.id,
      (signal) => this.load(wanted, signal),
      (loaded) => {
        this.#shown = { id: wanted.id, loaded };
        this.#draw(loaded);
      },
      (error) => {
        const retry = () => this.update(selection, state);
        this.#showNotice(failed(this.#words.failed, error.message, retry));
      }
    );
    if (this.#shown?.id === wanted.id) this.#draw(this.#shown.loaded);
  }

  /** @param {string} name @param {...Child} details */
  setTitle(name, ...details) {
    this.title.replaceChildren(name, el("span", { class: "muted" }, ...details));
  }

  /** @param {Loaded} loaded */
  #draw(loaded) {
    this.cover.replaceChildren();
    this.draw(loaded);
    this.zoom.update();
  }

  /** @param {HTMLElement} notice shown in the picture's place */
  #showNotice(notice) {
    this.#shown = null;
    for (const stage of this.stages) stage.content.replaceChildren();
    this.clear();
    this.cover.replaceChildren(notice);
  }

  /**
   * Has a part destroyed together with the view.
   * @template {{destroy(): void}} T
   * @param {T} part
   * @returns {T}
   */
  own(part) {
    this.#owned.push(part);
    return part;
  }

  /** @param {number} factor */
  zoomBy(factor) {
    this.stage.zoomBy(factor);
  }

  fit() {
    this.camera.look(null);
  }

  destroy() {
    this.#lane.drop();
    for (const part of this.#owned) part.destroy();
  }
}
