/**
 * A class map over its image, with label, prediction and probabilities.
 *
 * The heat map, drawn in the browser over the held-out image: opacity, threshold and colours
 * change at once. A map with negative values is blue where they are negative and red where they
 * are positive, over a pale grey image; the last colours are those of the 99th percentile, since a
 * few pixels are many times stronger than all others. Beside it are label, prediction, the
 * explained class, and the probabilities of the true and of the predicted class over the epochs.
 * The list at the left can be filtered by right and wrong predictions. The line below the image
 * has the value under the pointer.
 */

import { el, fill, say } from "../../core/dom.js";
import { number, percent, signed } from "../../core/format.js";
import { fetchRecord, fetchSeries, heatMapUrl, pictureUrl } from "../../core/http_api.js";
import { Lane } from "../../core/lane.js";
import { choice, whole } from "../../core/parameters.js";
import { keyAt } from "../../core/selection.js";
import { COLORMAPS, colorTable, DIVERGING } from "../../pixels/colormaps.js";
import { enlarge, paintHeat, partOf, scaleOf, valueIn } from "../../pixels/heat_map.js";
import { loadImage, loadSamples } from "../../pixels/image_loading.js";
import { percentSlider, segmented, setOptions } from "../../widgets/controls.js";
import { LineChart } from "../../widgets/line_chart.js";
import { metricsOf } from "../../widgets/record_facts.js";
import { STAGE_PARAMETERS, StageView } from "../stage_view.js";
import { ImageList } from "./image_list.js";
import { outcomeOf, probabilityLines } from "./outcome.js";

/**
 * @import { PictureKey } from "../../core/http_api.js"
 * @import { Selection } from "../../core/selection.js"
 * @import { Patch } from "../../core/state.js"
 * @import { Context, Mounted, View, ViewState } from "../../core/view.js"
 * @import { Scale } from "../../pixels/heat_map.js"
 * @import { Samples } from "../../pixels/png_samples.js"
 */

/** The map is drawn with at least so many pixels along its longer side. */
const FINE = 384;

const PARAMETERS = {
  ...STAGE_PARAMETERS,
  colors: choice(COLORMAPS),
  opacity: whole(0, 100, 55),
  /** Lowest value that is drawn, in per cent of the largest. */
  threshold: whole(0, 100, 0),
  /** Which images are listed. */
  show: choice(["all", "right", "wrong"]),
};

/** @typedef {ViewState<typeof PARAMETERS>} State */

/** @type {View<typeof PARAMETERS>} */
export const classMapView = {
  id: "classmap",
  label: "Class map",
  key: "4",
  style: new URL("./class_map.css", import.meta.url),
  parameters: PARAMETERS,
  missing: "This run has no class activation maps. Attach GradCAM to the training.",
  accepts: (series) => series.kind === "evidence" && series.heat_map,
  pickers: ["name", "layer", "image"],
  mount: (context) => new ClassMapView(context),
};

/**
 * @typedef {object} Wanted
 * @property {string} id address of the map
 * @property {PictureKey} key
 * @property {string | null} image address of the held-out image
 * @property {[number, number]} size of the picture, where there is no image
 */

/**
 * @typedef {object} Loaded
 * @property {HTMLImageElement | null} image
 * @property {Samples} map
 * @property {Scale} scale
 * @property {RecordReply} reply
 * @property {Float32Array} fine the map at the canvas's size
 * @property {number} width
 * @property {number} height
 */

/**
 * @extends {StageView<Wanted, Loaded, State>}
 * @implements {Mounted<typeof PARAMETERS>}
 */
class ClassMapView extends StageView {
  #histories = this.own(new Lane());
  /** @type {Loaded | null} */
  #loaded = null;
  /** @type {SeriesReply | null} */
  #history = null;
  /** @type {State | null} */
  #state = null;
  /** @type {Selection | null} */
  #selection = null;
  /** Settings with which the canvas was drawn. */
  #painted = "";

  /** @param {Context} context */
  constructor({ store }) {
    super(store, {
      stages: ["Class map: wheel zooms, drag moves"],
      loading: "Loading the class map…",
      failed: "This class map can't be shown",
    });
    const change = (/** @type {Patch} */ patch) => store.update(patch, { push: false });
    this.canvas = el("canvas", { role: "img" });
    this.sheet = el("div", { class: "sheet" }, this.canvas);
    this.readout = el("p", { class: "readout", role: "status" });
    this.opacity = percentSlider("Opacity", (opacity) => change({ opacity }));
    this.threshold = percentSlider("Threshold", (threshold) => change({ threshold }));
    this.colors = el("select", { onchange: () => change({ colors: this.colors.value }) });
    this.scale = el("canvas", { class: "scale", width: 256, height: 1, "aria-hidden": "true" });
    this.ends = el("div", { class: "ends" });
    this.outcome = el("div", { class: "outcome" });
    this.chart = this.own(new LineChart((step) => change({ step })));
    this.metrics = el("div", {});
    this.show = segmented(
      "Which images",
      [
        { value: "all", label: "All" },
        { value: "right", label: "✓ Right" },
        { value: "wrong", label: "✗ Wrong" },
      ],
      (show) => change({ show })
    );
    this.images = this.own(new ImageList((image) => store.update({ image })));
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
          this.metrics
        )
      )
    );
    this.stage.node.addEventListener("pointermove", (event) => this.#read(event));
    this.stage.node.addEventListener("pointerleave", () => this.#read(null));
  }

  /** @param {Selection} selection @param {State} state */
  prepare(selection, state) {
    this.#selection = selection;
    this.#state = state;
    const { detail, series, step, image } = selection;
    this.opacity.set(state.opacity);
    this.threshold.set(state.threshold);
    this.show.set(state.show);
    this.#fillColors();
    this.images.update(selection, state.show);
    const key = keyAt(detail, series, step);
    if (key === null) return null;
    const about = image === null ? null : detail.images[image];
    this.setTitle(
      detail.subjectOf(series),
      about === null ? "" : `${about.name}, `,
      detail.label(key.step)
    );
    this.#histories.ask(
      `${detail.reply.token}\n${series.tag}`,
      (signal) => fetchSeries({ run: detail.run, tag: series.tag }, signal),
      (reply) => {
        this.#history = reply;
        this.#plot();
      },
      () => {} // the chart is left out then
    );
    this.#plot();
    if (this.readout.textContent === "") this.#read(null);
    const original =
      about === null || about.tag === null || about.step === null
        ? null
        : pictureUrl({ run: detail.run, tag: about.tag, step: about.step, v: about.v });
    /** @type {[number, number]} */
    const size = [series.width, series.height];
    return { id: heatMapUrl(key), key, image: original, size };
  }

  /** @param {Wanted} wanted @param {AbortSignal} signal @returns {Promise<Loaded>} */
  async load({ id, key, image: address, size }, signal) {
    const [map, reply, image] = await Promise.all([
      loadSamples(id, signal),
      fetchRecord(key, signal),
      address === null ? null : loadImage(address, signal),
    ]);
    const [w, h] = image === null ? size : [image.naturalWidth, image.naturalHeight];
    const times = Math.max(1, Math.ceil(FINE / Math.max(w, h)));
    const [width, height] = [w * times, h * times];
    const fine = enlarge(map.data, map.width, map.height, width, height);
    const scale = scaleOf(map, reply.record?.value_range ?? null);
    return { image, map, scale, reply, fine, width, height };
  }

  /** @param {Loaded} loaded */
  draw(loaded) {
    const isNew = loaded !== this.#loaded;
    this.#loaded = loaded;
    if (isNew) {
      fill(this.outcome, outcomeOf(loaded.reply));
      fill(this.metrics, metricsOf(loaded.reply));
      this.#fillColors();
    }
    const { opacity, threshold } = /** @type {State} */ (this.#state);
    const look = `${opacity} ${threshold} ${this.#colormap}`;
    if (isNew || look !== this.#painted) this.#paint(loaded);
    this.#painted = look;
    const { image, width, height } = loaded;
    this.stage.show(this.sheet, image?.naturalWidth ?? width, image?.naturalHeight ?? height);
  }

  clear() {
    this.#loaded = null;
    fill(this.outcome);
  }

  /** Name of the colours that the map is drawn in. */
  get #colormap() {
    if (this.#loaded?.scale.isSigned) return DIVERGING;
    return /** @type {State} */ (this.#state).colors;
  }

  #fillColors() {
    const names = this.#loaded?.scale.isSigned ? [DIVERGING] : COLORMAPS;
    setOptions(
      this.colors,
      names.map((name) => ({ value: name, label: name })),
      this.#colormap
    );
  }

  /** @param {Loaded} loaded */
  #paint({ width, height, image, fine, scale }) {
    const state = /** @type {State} */ (this.#state);
    const colors = colorTable(this.#colormap);
    const look = { colors, opacity: state.opacity / 100, threshold: state.threshold / 100 };
    const pixels = new ImageData(width, height);
    paintHeat(fine, scale, look, pixels.data);
    const heat = document.createElement("canvas");
    heat.width = this.canvas.width = width;
    heat.height = this.canvas.height = height;
    heat.getContext("2d")?.putImageData(pixels, 0, 0);
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    context.imageSmoothingEnabled = false;
    context.fillStyle = "#808080";
    context.fillRect(0, 0, width, height);
    if (image !== null) {
      if (scale.isSigned) {
        // Pale and grey, so that both signs stand out; as in the callbacks' overlay.
        context.fillStyle = "#c8c8c8";
        context.fillRect(0, 0, width, height);
        context.filter = "grayscale(1)";
        context.globalAlpha = 0.45;
      }
      context.drawImage(image, 0, 0, width, height);
      context.filter = "none";
      context.globalAlpha = 1;
    }
    context.drawImage(heat, 0, 0);
    this.canvas.setAttribute("aria-label", `Class map of ${this.#selection?.series.tag}`);
    this.#paintScale(scale, look);
  }

  /** @param {Scale} scale @param {{colors: Uint8Array, threshold: number}} look */
  #paintScale({ isSigned, largest }, { colors, threshold }) {
    const pixels = new ImageData(256, 1);
    for (let i = 0; i < 256; i++) {
      const part = isSigned ? Math.abs((2 * i) / 255 - 1) : i / 255;
      pixels.data.set(colors.subarray(3 * i, 3 * i + 3), 4 * i);
      pixels.data[4 * i + 3] = part >= threshold ? 255 : 40;
    }
    this.scale.getContext("2d")?.putImageData(pixels, 0, 0);
    const known = this.#loaded?.reply.record?.value_range ? largest : null;
    const ends = isSigned
      ? [signed(known === null ? null : -known), "0", signed(known)]
      : ["0", "evidence", number(known)];
    fill(
      this.ends,
      ends.map((end) => el("span", {}, end))
    );
  }

  #plot() {
    const [columns, selection] = [this.#history?.series[0], this.#selection];
    const isOurs = columns !== undefined && columns.tag === selection?.series.tag;
    const lines = isOurs ? probabilityLines(columns) : [];
    this.chart.node.hidden = lines.length === 0;
    if (!isOurs || selection === null || lines.length === 0) return;
    this.chart.update({
      label: "Probability of the true and of the predicted class over the epochs",
      steps: columns.step,
      lines,
      range: [0, 1],
      step: selection.step,
      format: percent,
    });
  }

  /**
   * Says the value under the pointer.
   * @param {PointerEvent | null} event
   */
  #read(event) {
    const invite = "Point at the image to read the evidence.";
    say(this.readout, (event && this.#loaded && this.#valueAt(event, this.#loaded)) ?? invite);
  }

  /** @param {PointerEvent} event @param {Loaded} loaded @returns {string | null} null outside */
  #valueAt(event, { map, scale, reply }) {
    const point = this.stage.pointOf(event);
    const [x, y] = [Math.floor(point.x * map.width), Math.floor(point.y * map.height)];
    if (x < 0 || y < 0 || x >= map.width || y >= map.height) return null;
    const sample = map.data[y * map.width + x];
    const write = scale.isSigned ? signed : number;
    const value = reply.record?.value_range ? `${write(valueIn(scale, sample))}, ` : "";
    const part = percent(Math.abs(partOf(scale, sample)));
    const top = scale.isSigned ? "last colour" : "maximum";
    return `Row ${y}, column ${x} of the map: ${value}${part} of the ${top}`;
  }
}
