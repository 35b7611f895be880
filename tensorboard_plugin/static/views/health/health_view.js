/** Layers × epochs in two heat charts: channels that died, and how much each picture changed. */

import { el } from "../../core/dom.js";
import { HeatChart } from "./heat_chart.js";

/**
 * @import { Selection } from "../../core/selection.js"
 * @import { Context, Mounted, View } from "../../core/view.js"
 */

/** @type {View} */
export const healthView = {
  id: "health",
  label: "Health",
  key: "6",
  style: new URL("./health.css", import.meta.url),
  parameters: {},
  missing: "This run has no pictures of layers yet.",
  accepts: (series) => series.layer !== null,
  pickers: ["technique", "image"],
  mount: (context) => new HealthView(context),
};

/** @implements {Mounted<{}>} */
class HealthView {
  /** @param {Context} context */
  constructor({ store }) {
    this.charts = [
      new HeatChart(
        store,
        "dead",
        "Dead channels",
        "Fraction of the layer's channels that are zero everywhere on every held-out image. A layer in full red has stopped answering."
      ),
      new HeatChart(
        store,
        "change",
        "Change since the capture before",
        "Mean difference of each picture from the one before it. Full blue is still learning, faint has settled."
      ),
    ];
    this.node = el(
      "section",
      { class: "view health", "aria-label": "Health" },
      el(
        "div",
        { class: "charts" },
        this.charts.map((chart) => chart.node)
      )
    );
    // Colours are drawn, so that a switch of the theme needs them drawn again.
    this.observer = new MutationObserver(() => this.charts.forEach((chart) => chart.draw()));
    this.observer.observe(document.documentElement, { attributeFilter: ["class"] });
  }

  destroy() {
    this.observer.disconnect();
    for (const chart of this.charts) chart.destroy();
  }

  /** @param {Selection} selection */
  update(selection) {
    for (const chart of this.charts) chart.update(selection);
  }
}
