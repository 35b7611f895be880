/** Where the evidence for a class lies: the heat map drawn here, over the held-out image. */

import { fetchSeries, heatMapUrl, Lane, pictureUrl, fetchRecord } from "../../core/http_api.js";
import { LineChart } from "../../widgets/line_chart.js";
import { el, fill, say, segmented, setOptions } from "../../core/dom.js";
import { metricsOf, verdict } from "../../widgets/record_facts.js";
import { number, percent } from "../../core/format.js";
import { enlarge, HEAT_COLORMAPS, heatColors, paintHeat } from "../../pixels/heat_map.js";
import { loadImage, loadSamples } from "../../pixels/image_loading.js";
import { failed, loading } from "../../widgets/notices.js";
import { keyAt } from "../../core/selection.js";
import { Camera, Stage, zoomButtons } from "../../widgets/stage.js";
import { ImageList } from "./image_list.js";

/** @typedef {import("../index.js").Mounted} Mounted */

/** The map is drawn with so many pixels along its longer side, if the image has fewer. */
const FINE = 384;

/** @type {import("../index.js").View} */
export const classMapView = {
  id: "classmap",
  label: "Class map",
  missing: "This run has no class activation maps. Attach GradCAM to the training.",
  accepts: (series) => series.kind === "map" && series.heat_map,
  pickers: ["technique", "layer", "image"],
  mount: (context) => new ClassMapView(context),
};

/**
 * @typedef {object} Heat what is on the stage
 * @property {HTMLImageElement | null} image
 * @property {import("../../pixels/png_samples.js").Samples} map
 * @property {PictureRecord | null} record
 * @property {RecordReply} reply
 * @property {Float32Array} fine the map at the canvas's size
 * @property {number} width
 * @property {number} height
 */

/** @implements {Mounted} */
class ClassMapView {
  #lane = new Lane();
  #historyLane = new Lane();
  /** @type {Heat | null} */
  #heat = null;
  /** @type {SeriesReply | null} */
  #history = null;
  /** @type {import("../../core/state.js").State | null} */
  #state = null;
  /** @type {import("../index.js").Selection | null} */
  #selection = null;
  #painted = "";

  /** @param {import("../index.js").Context} context */
  constructor({ store }) {
    this.store = store;
    const change = (/** @type {Partial<import("../../core/state.js").State>} */ patch) =>
      store.update(patch, { push: false });
    this.camera = new Camera((zoom) => change({ zoom }));
    this.stage = new Stage(this.camera, "Class map: wheel zooms, drag moves");
    this.zoom = zoomButtons(this.camera, () => this.stage);
    this.canvas = el("canvas", { role: "img" });
    this.sheet = el("div", { class: "sheet" }, this.canvas);
    this.title = el("h2", { class: "title" });
    this.cover = el("div", { class: "cover" });
    this.readout = el("p", { class: "readout", role: "status" });
    this.opacity = slider("Opacity", (opacity) => change({ opacity }));
    this.threshold = slider("Threshold", (threshold) => change({ threshold }));
    this.colors = el("select", { onchange: () => change({ colors: this.colors.value }) });
    this.scale = el("canvas", { class: "scale", width: 256, height: 1, "aria-hidden": "true" });
    this.ends = el("div", { class: "ends" });
    this.outcome = el("div", { class: "outcome" });
    this.chart = new LineChart((step) => change({ step }));
    this.more = el("div", {});
    this.show = segmented(
      "Which images",
      [
        { value: "all", label: "All" },
        { value: "right", label: "✓ Right" },
        { value: "wrong", label: "✗ Wrong" },
      ],
      (show) => change({ show })
    );
    this.images = new ImageList((image) => store.update({ image }));
    this.node = el(
      "section",
      { class: "view classmap", "aria-label": "Class map" },
      el("div", { class: "viewbar" }, this.title, el("span", { class: "push" }), this.zoom.node),
      el(
        "div",
        { class: "split three" },
        el("div", { class: "gallery" }, this.show.node, this.images.node),
        el("div", { class: "pane stacked" }, this.stage.node, this.cover, this.readout),
        el(
          "aside",
          { class: "facts", "aria-label": "About this class map" },
          this.outcome,
          this.chart.node,
          el(
            "div",
            { class: "knobs" },
            this.opacity.node,
            this.threshold.node,
            el("label", { class: "knob" }, el("span", {}, "Colours"), this.colors),
            el("div", { class: "key" }, this.scale, this.ends)
          ),
          this.more
        )
      )
    );
    this.stage.node.addEventListener("pointermove", (event) => this.#point(event));
    this.stage.node.addEventListener("pointerleave", () => this.#point(null));
  }

  destroy() {
    this.#lane.drop();
    this.#historyLane.drop();
    this.images.destroy();
    this.stage.destroy();
    this.chart.destroy();
  }

  /** @param {number} factor */
  zoomBy(factor) {
    this.stage.zoomBy(factor);
  }

  /** @param {import("../index.js").Selection} selection @param {import("../index.js").State} state */
  update(selection, state) {
    this.#selection = selection;
    this.#state = state;
    const { detail, series, step, layer, image } = selection;
    if (state.zoom !== this.camera.zoom) this.camera.look(state.zoom);
    this.opacity.set(state.opacity);
    this.threshold.set(state.threshold);
    this.show.set(state.show);
    setOptions(
      this.colors,
      HEAT_COLORMAPS.map((c) => ({ value: c, label: c })),
      state.colors
    );
    this.images.update(selection, state.show);
    const key = keyAt(detail, series, step);
    if (key === null) return;
    const name = layer === null ? series.tag : detail.layers[layer].path;
    const of = image === null ? "" : `${detail.images[image].name}, `;
    this.title.replaceChildren(name, el("span", { class: "muted" }, of + detail.label(key.step)));
    if (this.#heat === null) this.cover.replaceChildren(loading("Loading the class map…"));
    this.#lane.ask(
      heatMapUrl(key),
      (signal) => this.#load(selection, key, signal),
      (heat) => {
        this.#heat = heat;
        this.#painted = "";
        this.cover.replaceChildren();
        this.#draw();
        this.#tell();
      },
      (error) => {
        this.#heat = null;
        this.stage.content.replaceChildren();
        fill(this.outcome);
        this.cover.replaceChildren(
          failed("This class map can't be shown", error.message, () =>
            this.update(selection, state)
          )
        );
      }
    );
    this.#historyLane.ask(
      `${detail.reply.token}\n${series.tag}`,
      (signal) => fetchSeries({ run: detail.run, tag: series.tag }, signal),
      (reply) => {
        this.#history = reply;
        this.#plot();
      },
      () => {} // the chart alone stays away
    );
    this.#plot();
    this.#draw();
    if (this.readout.textContent === "") this.#point(null);
  }

  /**
   * @param {import("../index.js").Selection} selection
   * @param {import("../../core/http_api.js").PictureKey} key
   * @param {AbortSignal} signal
   * @returns {Promise<Heat>}
   */
  async #load({ detail, image, series }, key, signal) {
    const about = image === null ? null : detail.images[image];
    const original =
      about === null || about.tag === null || about.step === null
        ? null
        : pictureUrl({ run: detail.run, tag: about.tag, step: about.step, v: about.v });
    const [map, reply, picture] = await Promise.all([
      loadSamples(heatMapUrl(key), signal),
      fetchRecord(key, signal),
      original === null ? null : loadImage(original, signal),
    ]);
    const [w, h] =
      picture === null
        ? [series.width, series.height]
        : [picture.naturalWidth, picture.naturalHeight];
    const times = Math.max(1, Math.ceil(FINE / Math.max(w, h)));
    const [width, height] = [w * times, h * times];
    const fine = enlarge(map.data, map.width, map.height, width, height);
    return { image: picture, map, record: reply.record, reply, fine, width, height };
  }

  #draw() {
    const [heat, state] = [this.#heat, this.#state];
    if (heat === null || state === null) return;
    const look = `${state.opacity} ${state.threshold} ${state.colors}`;
    if (this.#painted === look) return;
    this.#painted = look;
    const { width, height, image, map, fine } = heat;
    const colors = heatColors(state.colors);
    const pixels = new ImageData(width, height);
    const top = map.depth === 16 ? 65535 : 255;
    paintHeat(fine, top, colors, state.opacity / 100, state.threshold / 100, pixels.data);
    const layer = document.createElement("canvas");
    layer.width = this.canvas.width = width;
    layer.height = this.canvas.height = height;
    layer.getContext("2d")?.putImageData(pixels, 0, 0);
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    context.imageSmoothingEnabled = false;
    context.fillStyle = "#808080";
    context.fillRect(0, 0, width, height);
    if (image !== null) context.drawImage(image, 0, 0, width, height);
    context.drawImage(layer, 0, 0);
    this.canvas.setAttribute("aria-label", `Class map of ${this.#selection?.series.tag}`);
    this.stage.show(this.sheet, image?.naturalWidth ?? width, image?.naturalHeight ?? height);
    this.zoom.update();
    this.#drawScale(colors, state);
  }

  /** @param {Uint8Array} colors @param {import("../../core/state.js").State} state */
  #drawScale(colors, state) {
    const pixels = new ImageData(256, 1);
    for (let i = 0; i < 256; i++) {
      for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = colors[3 * i + c];
      pixels.data[4 * i + 3] = i / 255 >= state.threshold / 100 ? 255 : 40;
    }
    this.scale.getContext("2d")?.putImageData(pixels, 0, 0);
    const top = this.#heat?.record?.value_range?.[1] ?? null;
    fill(this.ends, el("span", {}, "0"), el("span", {}, "evidence"), el("span", {}, number(top)));
  }

  /** Label, prediction, probability of this picture. */
  #tell() {
    const { record, reply } = /** @type {Heat} */ (this.#heat);
    if (record === null) {
      fill(this.outcome, el("p", { class: "error" }, "The record of this picture is damaged."));
      return;
    }
    const { label, prediction, target } = record;
    const row = (/** @type {string} */ term, /** @type {ClassScore | null} */ score) =>
      score &&
      el(
        "div",
        {},
        el("dt", {}, term),
        el(
          "dd",
          {},
          el("b", {}, score.name),
          score.probability === null ? "" : ` ${percent(score.probability)}`
        )
      );
    fill(
      this.outcome,
      label !== null && prediction !== null && verdict(label.index === prediction.index),
      el("dl", {}, row("Label", label), row("Prediction", prediction), row("Explained", target)),
      record.blank &&
        el(
          "p",
          { class: "note" },
          "No evidence for this class was found: the map is zero everywhere."
        ),
      record.note !== null && el("p", { class: "note" }, record.note)
    );
    fill(this.more, metricsOf(reply));
  }

  #plot() {
    const [reply, selection] = [this.#history, this.#selection];
    const series = reply?.series[0];
    const drawn =
      series?.tag === selection?.series.tag && series !== undefined && selection !== null;
    const known =
      drawn && (series.label_probability !== null || series.prediction_probability !== null);
    this.chart.node.hidden = !known;
    if (!known) return;
    this.chart.update({
      label: "Probability of the true and of the predicted class over the epochs",
      steps: series.step,
      lines: [
        { name: "predicted", kind: "second", values: series.prediction_probability ?? [] },
        { name: "true class", kind: "first", values: series.label_probability ?? [] },
      ].filter((line) => line.values.length > 0),
      range: [0, 1],
      step: selection.step,
      format: percent,
    });
  }

  /** @param {PointerEvent | null} event */
  #point(event) {
    const heat = this.#heat;
    if (event === null || heat === null) {
      say(this.readout, "Point at the image to read the evidence.");
      return;
    }
    const area = this.stage.content.getBoundingClientRect();
    const x = Math.floor(((event.clientX - area.left) / area.width) * heat.map.width);
    const y = Math.floor(((event.clientY - area.top) / area.height) * heat.map.height);
    if (x < 0 || y < 0 || x >= heat.map.width || y >= heat.map.height) {
      this.#point(null);
      return;
    }
    const part = heat.map.data[y * heat.map.width + x] / (heat.map.depth === 16 ? 65535 : 255);
    const top = heat.record?.value_range?.[1];
    const value = top === undefined ? "" : `${number(part * top)}, `;
    say(this.readout, `Row ${y}, column ${x} of the map: ${value}${percent(part)} of the maximum`);
  }
}

/**
 * @param {string} name
 * @param {(value: number) => void} choose
 */
function slider(name, choose) {
  const value = el("output", {});
  const input = el("input", {
    type: "range",
    class: "slider",
    min: "0",
    max: "100",
    oninput: () => choose(Number(input.value)),
  });
  return {
    node: el("label", { class: "knob" }, el("span", {}, name), input, value),
    /** @param {number} level */
    set(level) {
      input.value = String(level);
      input.style.setProperty("--part", `${level}%`);
      value.value = `${level} %`;
    },
  };
}
