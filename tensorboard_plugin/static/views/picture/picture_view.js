/** One picture, large, with what is known of it. */

import { fetchRecord, Lane, pictureUrl } from "../../core/http_api.js";
import { el } from "../../core/dom.js";
import { loadImage } from "../../pixels/image_loading.js";
import { failed, loading } from "../../widgets/notices.js";
import { factsOf, metricsOf } from "../../widgets/record_facts.js";
import { keyAt } from "../../core/selection.js";
import { Camera, Stage, zoomButtons } from "../../widgets/stage.js";

/** @type {import("../index.js").View} */
export const pictureView = {
  id: "picture",
  label: "Picture",
  missing: "This run has no pictures yet.",
  accepts: () => true,
  pickers: ["technique", "layer", "image"],
  mount: (context) => new PictureView(context),
};

/** @typedef {import("../index.js").Mounted} Mounted */

/** @implements {Mounted} */
class PictureView {
  #pictures = new Lane();
  #records = new Lane();

  /** @param {import("../index.js").Context} context */
  constructor({ store }) {
    this.store = store;
    this.camera = new Camera((zoom) => store.update({ zoom }, { push: false }));
    this.stage = new Stage(this.camera, "Picture: wheel zooms, drag moves");
    this.zoom = zoomButtons(this.camera, () => this.stage);
    this.title = el("h2", { class: "title" });
    this.cover = el("div", { class: "cover" });
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

  /** @param {number} factor */
  zoomBy(factor) {
    this.stage.zoomBy(factor);
  }

  destroy() {
    this.#pictures.drop();
    this.#records.drop();
    this.stage.destroy();
  }

  /** @param {import("../index.js").Selection} selection @param {import("../index.js").State} state */
  update(selection, state) {
    const { detail, series, step, layer, steps, place } = selection;
    if (state.zoom !== this.camera.zoom) this.camera.look(state.zoom);
    const key = keyAt(detail, series, step);
    if (key === null) return;
    const url = pictureUrl(key);
    const name = layer === null ? series.tag : detail.layers[layer].path;
    this.title.replaceChildren(name, el("span", { class: "muted" }, detail.label(key.step)));
    if (this.stage.content.childElementCount === 0)
      this.cover.replaceChildren(loading("Loading the picture…"));
    this.#pictures.ask(
      url,
      (signal) => loadImage(url, signal),
      (image) => {
        image.alt = `${series.tag}, ${detail.label(key.step)}`;
        image.draggable = false;
        this.cover.replaceChildren();
        this.stage.show(image, image.naturalWidth, image.naturalHeight);
        this.zoom.update();
        // The neighbours, so that the next move of the slider is at hand.
        for (const near of [steps[place + 1], steps[place - 1]]) {
          const next = near === undefined ? null : keyAt(detail, series, near);
          if (next !== null) new Image().src = pictureUrl(next);
        }
      },
      (error) => {
        this.stage.content.replaceChildren();
        this.cover.replaceChildren(
          failed("This picture can't be shown", error.message, () => this.update(selection, state))
        );
      }
    );
    this.#records.ask(
      `record ${url}`,
      (signal) => fetchRecord(key, signal),
      (reply) => this.facts.replaceChildren(...factsOf(reply), ...metricsOf(reply)),
      (error) => this.facts.replaceChildren(el("p", { class: "error" }, error.message))
    );
  }
}
