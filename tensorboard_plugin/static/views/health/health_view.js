/**
 * Two heat charts of layers by epochs: dead channels, and how much each picture changed.
 *
 * Two heat charts of layers × epochs. The first shows a measure: the fraction of dead channels, or
 * any other that the callbacks report; *Measure* chooses between several. The second shows how
 * much each layer's picture changed since the capture before: which layers are learning, and which
 * have settled. A click opens the picture. A run of measures without pictures has the first chart
 * only.
 */

import { el } from "../../core/dom.js";
import { CHANGE, meaningOf } from "../../core/measures.js";
import { text } from "../../core/parameters.js";
import { labelledSelect, setOptions } from "../../widgets/controls.js";
import { HeatChart } from "./heat_chart.js";

/**
 * @import { MeasureSelection, Selection } from "../../core/selection.js"
 * @import { Context, Mounted, View, ViewState } from "../../core/view.js"
 */

const PARAMETERS = {
  /** Which number of the layers; "" leaves the choice to the tab. */
  measure: text(),
};

/** What is shown where no measure is chosen, if there is one by this name. */
const USUAL = "dead_channels";

/** @type {View<typeof PARAMETERS>} */
export const healthView = {
  id: "health",
  label: "Health",
  key: "6",
  style: new URL("./health.css", import.meta.url),
  parameters: PARAMETERS,
  missing: "This run has no pictures of layers, and no measures of them, yet.",
  accepts: (series) => series.layer !== null || series.kind === "evidence",
  acceptsMeasures: true,
  pickers: ["name", "image"],
  mount: (context) => new HealthView(context),
};

/** @implements {Mounted<typeof PARAMETERS>} */
class HealthView {
  /** @param {Context} context */
  constructor({ store }) {
    this.picker = labelledSelect("Measure", (measure) =>
      store.update({ measure }, { push: false })
    );
    this.measures = new HeatChart(store, "measure", this.picker.node);
    this.change = new HeatChart(store, "change", null);
    this.node = el(
      "section",
      { class: "view health", "aria-label": "Health" },
      el("div", { class: "charts" }, this.measures.node, this.change.node)
    );
    // Colours are drawn, so that a switch of the theme needs them drawn again.
    this.observer = new MutationObserver(() => {
      this.measures.draw();
      this.change.draw();
    });
    this.observer.observe(document.documentElement, { attributeFilter: ["class"] });
  }

  destroy() {
    this.observer.disconnect();
    this.measures.destroy();
    this.change.destroy();
  }

  /** @param {Selection} selection @param {ViewState<typeof PARAMETERS>} state */
  update(selection, state) {
    const { detail, name, layers, image } = selection;
    const imageName = image === null ? null : detail.images[image].name;
    this.#showMeasure(selection, detail.reply.measures, imageName, state.measure);
    this.change.node.hidden = layers.every((layer) => layer === null);
    this.change.update(selection, { measure: "change", name, image: imageName, meaning: CHANGE });
  }

  /** @param {MeasureSelection} selection @param {ViewState<typeof PARAMETERS>} state */
  updateMeasures(selection, state) {
    const { detail, name } = selection;
    const own = detail.reply.measures.filter(({ names }) => names.includes(name));
    this.#showMeasure(selection, own, null, state.measure);
    this.change.node.hidden = true;
  }

  /**
   * @param {MeasureSelection} selection
   * @param {MeasureInfo[]} measures to choose from
   * @param {string | null} imageName
   * @param {string} wanted name of a measure; "" leaves the choice to the tab
   */
  #showMeasure(selection, measures, imageName, wanted) {
    const { name } = selection;
    const chosen = this.#choose(measures, wanted);
    this.measures.node.hidden = chosen === null;
    if (chosen !== null) {
      const { measure, names, of } = chosen;
      const own = names.includes(name);
      // A measure of a layer is one number for all the images.
      const which = of === "picture" && own ? imageName : null;
      const meaning = meaningOf(measure);
      this.measures.update(selection, {
        measure,
        name: own ? name : names[0],
        image: which,
        meaning,
      });
    }
  }

  /**
   * Brings the picker up to date.
   * @param {MeasureInfo[]} measures
   * @param {string} wanted
   * @returns {MeasureInfo | null}
   */
  #choose(measures, wanted) {
    const distinct = measures.filter(
      ({ measure }, i) => measures.findIndex((other) => other.measure === measure) === i
    );
    const chosen =
      [wanted, USUAL].flatMap(
        (name) => distinct.find(({ measure }) => measure === name) ?? []
      )[0] ??
      distinct[0] ??
      null;
    this.picker.node.hidden = distinct.length < 2;
    setOptions(
      this.picker.select,
      distinct.map(({ measure }) => ({ value: measure, label: meaningOf(measure).title })),
      chosen?.measure ?? ""
    );
    return chosen;
  }
}
