/**
 * One picture, with what is known of it beside it.
 *
 * One picture, large. The wheel zooms, a drag moves it, a double click fits it. Beside it are the
 * facts of its record, its measures, and the metrics that Keras logged at that step.
 */

import { el } from "../../core/dom.js";
import { fetchRecord, fetchSeries, pictureUrl } from "../../core/http_api.js";
import { Lane } from "../../core/lane.js";
import { keyAt } from "../../core/selection.js";
import { loadImage } from "../../pixels/image_loading.js";
import { factsOf, metricsOf } from "../../widgets/record_facts.js";
import { STAGE_PARAMETERS, StageView } from "../stage_view.js";

/**
 * @import { PictureKey } from "../../core/http_api.js"
 * @import { Selection } from "../../core/selection.js"
 * @import { Context, Mounted, View } from "../../core/view.js"
 * @import { StageState } from "../stage_view.js"
 */

/** @type {View<typeof STAGE_PARAMETERS>} */
export const pictureView = {
  id: "picture",
  label: "Picture",
  key: "2",
  parameters: STAGE_PARAMETERS,
  missing: "This run has no pictures yet.",
  accepts: () => true,
  pickers: ["name", "layer", "image"],
  mount: (context) => new PictureView(context),
};

/**
 * @typedef {object} Wanted
 * @property {string} id address of the picture
 * @property {string} alt
 * @property {string[]} neighbours addresses of the pictures before and after
 */

/**
 * @extends {StageView<Wanted, HTMLImageElement, StageState>}
 * @implements {Mounted<typeof STAGE_PARAMETERS>}
 */
class PictureView extends StageView {
  #records = this.own(new Lane());

  /** @param {Context} context */
  constructor({ store }) {
    super(store, {
      stages: ["Picture: wheel zooms, drag moves"],
      loading: "Loading the picture…",
      failed: "This picture can't be shown",
    });
    this.facts = el("aside", { class: "facts", "aria-label": "About this picture" });
    this.node = el(
      "section",
      { class: "view picture", "aria-label": "Picture" },
      el("div", { class: "viewbar" }, this.title, el("span", { class: "push" }), this.zoom.node),
      el(
        "div",
        { class: "split" },
        el("div", { class: "pane" }, this.stage.node, this.cover),
        this.facts
      )
    );
  }

  /** @param {Selection} selection */
  prepare({ detail, series, step, steps, place }) {
    const key = keyAt(detail, series, step);
    if (key === null) return null;
    const label = detail.label(key.step);
    this.setTitle(detail.subjectOf(series), label);
    this.#loadFacts(key);
    const neighbours = [steps[place + 1], steps[place - 1]]
      .map((near) => (near === undefined ? null : keyAt(detail, series, near)))
      .filter((near) => near !== null);
    return {
      id: pictureUrl(key),
      alt: `${series.tag}, ${label}`,
      neighbours: neighbours.map(pictureUrl),
    };
  }

  /** @param {Wanted} wanted @param {AbortSignal} signal */
  async load({ id, alt, neighbours }, signal) {
    const image = await loadImage(id, signal);
    image.alt = alt;
    image.draggable = false;
    // So that the next move of the slider finds its picture in the cache.
    for (const address of neighbours) new Image().src = address;
    return image;
  }

  /** @param {HTMLImageElement} image */
  draw(image) {
    this.stage.show(image, image.naturalWidth, image.naturalHeight);
  }

  /** The facts stay: a record may be known whose picture is not. */
  clear() {}

  /** @param {PictureKey} key */
  #loadFacts(key) {
    this.#records.ask(
      pictureUrl(key),
      (signal) => Promise.all([fetchRecord(key, signal), layerMeasures(key, signal)]),
      ([reply, measures]) =>
        this.facts.replaceChildren(...factsOf(reply, measures), ...metricsOf(reply)),
      (error) => this.facts.replaceChildren(el("p", { class: "error" }, error.message))
    );
  }
}

/**
 * @param {PictureKey} key
 * @param {AbortSignal} signal
 * @returns {Promise<{[measure: string]: number | null}>} empty where they can't be had
 */
async function layerMeasures({ run, tag, step }, signal) {
  try {
    const { series } = await fetchSeries({ run, tag, first: step, last: step }, signal);
    const columns = Object.entries(series[0]?.layer_measures ?? {});
    return Object.fromEntries(columns.map(([measure, values]) => [measure, values[0] ?? null]));
  } catch {
    return {};
  }
}
