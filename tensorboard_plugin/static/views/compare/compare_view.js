/** Two epochs, runs or images beside each other, one over the other, or what differs. */

import { fetchRecord, Lane, pictureUrl } from "../../core/http_api.js";
import { colorDifference, valueDifference } from "../../pixels/difference.js";
import { el, fill, labelledSelect, segmented, set, setOptions } from "../../core/dom.js";
import { verdict } from "../../widgets/record_facts.js";
import { number, percent, runName } from "../../core/format.js";
import { loadImage } from "../../pixels/image_loading.js";
import { placeOf } from "../../core/log_model.js";
import { failed, loading } from "../../widgets/notices.js";
import { keyAt } from "../../core/selection.js";
import { loadValues } from "../../pixels/picture_values.js";
import { Camera, Stage, zoomButtons } from "../../widgets/stage.js";

/** @typedef {import("../index.js").Mounted} Mounted */
/** @typedef {import("../../core/log_model.js").Detail} Detail */

/** @type {import("../index.js").View} */
export const compareView = {
  id: "compare",
  label: "Compare",
  missing: "This run has no pictures yet.",
  accepts: () => true,
  pickers: ["technique", "layer", "image"],
  mount: (context) => new CompareView(context),
};

/**
 * @typedef {object} Side
 * @property {Detail} detail
 * @property {SeriesInfo} series
 * @property {import("../../core/http_api.js").PictureKey} key
 */

/**
 * @typedef {object} Shown
 * @property {HTMLImageElement[]} images
 * @property {(RecordReply | null)[]} replies
 * @property {import("../../pixels/difference.js").Difference | null} difference
 * @property {boolean} byValue
 */

/** @implements {Mounted} */
class CompareView {
  #lane = new Lane();
  #split = 50;

  /** @param {import("../index.js").Context} context */
  constructor({ store, model }) {
    this.store = store;
    this.model = model;
    const change = (/** @type {Partial<import("../../core/state.js").State>} */ patch) =>
      store.update(patch, { push: false });
    this.camera = new Camera((zoom) => change({ zoom }));
    this.stages = [
      new Stage(this.camera, "A: wheel zooms, drag moves"),
      new Stage(this.camera, "B: wheel zooms, drag moves"),
    ];
    this.zoom = zoomButtons(this.camera, () => this.stages[0]);
    this.mode = segmented(
      "How to compare",
      [
        { value: "side", label: "Side by side" },
        { value: "swipe", label: "Swipe" },
        { value: "difference", label: "Difference" },
      ],
      (mode) => change({ mode })
    );
    this.run = labelledSelect("Run", (runB) => change({ runB }));
    this.image = labelledSelect("Image", (imageB) => change({ imageB }));
    this.step = labelledSelect("Epoch", (text) =>
      change({ stepB: text === "" ? null : Number(text) })
    );
    this.captions = [el("figcaption", {}), el("figcaption", {})];
    this.panes = this.stages.map((stage, i) =>
      el("figure", { class: "side" }, this.captions[i], stage.node)
    );
    this.cover = el("div", { class: "cover" });
    this.swipe = el("input", {
      type: "range",
      class: "slider swipe",
      min: "0",
      max: "100",
      "aria-label": "Where A ends and B begins",
      oninput: () => this.#swipe(Number(this.swipe.value)),
    });
    this.over = el("div", { class: "over" });
    this.readout = el("p", { class: "readout" });
    this.node = el(
      "section",
      { class: "view compare", "aria-label": "Compare" },
      el(
        "div",
        { class: "viewbar" },
        this.mode.node,
        el(
          "div",
          { class: "pickers", role: "group", "aria-label": "B, what to compare with" },
          el("strong", {}, "A with B:"),
          this.run.node,
          this.image.node,
          this.step.node
        ),
        this.zoom.node
      ),
      el(
        "div",
        { class: "pane stacked" },
        el("div", { class: "sides" }, this.panes),
        this.swipe,
        this.readout,
        this.cover
      )
    );
  }

  destroy() {
    this.#lane.drop();
    for (const stage of this.stages) stage.destroy();
  }

  /** @param {number} factor */
  zoomBy(factor) {
    this.stages[0].zoomBy(factor);
  }

  /** @param {import("../index.js").Selection} selection @param {import("../index.js").State} state */
  update(selection, state) {
    if (state.zoom !== this.camera.zoom) this.camera.look(state.zoom);
    this.mode.set(state.mode);
    const { detail, series, step } = selection;
    const key = keyAt(detail, series, step);
    const other = this.#other(selection, state);
    if (typeof other === "string" || key === null) {
      this.#lane.drop();
      this.#clear();
      this.cover.replaceChildren(
        other === ""
          ? loading("Loading the other run…")
          : failed("Nothing to compare with", String(other))
      );
      return;
    }
    const a = { detail, series, key };
    const id = [pictureUrl(key), pictureUrl(other.key), state.mode].join("\n");
    if (this.stages[0].content.childElementCount === 0)
      this.cover.replaceChildren(loading("Loading both pictures…"));
    this.#lane.ask(
      id,
      (signal) => this.#load(a, other, state.mode, signal),
      (shown) => this.#show(a, other, state.mode, shown),
      (error) => {
        this.#clear();
        this.cover.replaceChildren(
          failed("These can't be compared", error.message, () => this.update(selection, state))
        );
      }
    );
  }

  #clear() {
    for (const stage of this.stages) stage.content.replaceChildren();
    for (const caption of this.captions) fill(caption);
    fill(this.readout);
  }

  /**
   * What B is; fills its pickers.
   * @param {import("../index.js").Selection} selection
   * @param {import("../index.js").State} state
   * @returns {Side | string} text says why there is none, "" that it is on its way
   */
  #other(selection, state) {
    const { detail: own, technique, layer, image, step } = selection;
    const runs = this.model.runs?.runs ?? [];
    setOptions(
      this.run.select,
      [
        { value: "", label: "the same" },
        ...runs.filter((r) => r.run !== own.run).map((r) => ({ value: r.run, label: runName(r) })),
      ],
      state.runB === own.run ? "" : state.runB
    );
    this.run.node.hidden = runs.length < 2;
    const run = state.runB === "" ? own.run : state.runB;
    const { detail, error } =
      run === own.run ? { detail: own, error: null } : this.model.detail(run);
    if (error !== null) return error.message;
    if (detail === null)
      return this.model.summary(run) === null ? `There is no run “${run}” (any more).` : "";
    const path = layer === null ? null : own.layers[layer].path;
    const place = path === null ? null : detail.layers.findIndex((l) => l.path === path);
    const there = detail.reply.series.filter((s) => s.technique === technique && s.layer === place);
    const names = there.flatMap((s) => (s.image === null ? [] : [detail.images[s.image].name]));
    const ownName = image === null ? "" : own.images[image].name;
    setOptions(
      this.image.select,
      [
        { value: "", label: "the same" },
        ...names.filter((n) => n !== ownName).map((n) => ({ value: n, label: n })),
      ],
      state.imageB === ownName ? "" : state.imageB
    );
    this.image.node.hidden = names.length < 2;
    const name = state.imageB === "" ? ownName : state.imageB;
    const series = there.find((s) =>
      s.image === null ? ownName === "" : detail.images[s.image].name === name
    );
    if (series === undefined)
      return `The other run has no picture of ${path ?? name} by this technique.`;
    const steps = detail.steps(series);
    // With all else equal the first epoch is what the slider's is compared with.
    const differs = run !== own.run || name !== ownName;
    const usual = differs ? `in step with A` : `the first (${steps[0]})`;
    const chosen = state.stepB === null ? "" : String(steps[placeOf(steps, state.stepB)]);
    setOptions(
      this.step.select,
      [{ value: "", label: usual }, ...steps.map((s) => ({ value: String(s), label: String(s) }))],
      chosen
    );
    const at = state.stepB ?? (differs ? step : steps[0]);
    const key = keyAt(detail, series, at);
    return key === null ? "The other run has no picture of it yet." : { detail, series, key };
  }

  /**
   * @param {Side} a
   * @param {Side} b
   * @param {string} mode
   * @param {AbortSignal} signal
   * @returns {Promise<Shown>}
   */
  async #load(a, b, mode, signal) {
    const sides = [a, b];
    const [images, replies] = await Promise.all([
      Promise.all(sides.map(({ key }) => loadImage(pictureUrl(key), signal))),
      Promise.all(sides.map(({ key }) => fetchRecord(key, signal).catch(() => null))),
    ]);
    const byValue =
      sides.every(({ series }) => series.heat_map) || sides.every(({ series }) => series.levels);
    if (mode !== "difference") return { images, replies, difference: null, byValue };
    if (byValue) {
      const values = await Promise.all(
        sides.map(({ series, key }) => loadValues(series, key, signal))
      );
      if (sameSize(values[0], values[1])) {
        return { images, replies, difference: valueDifference(values[0], values[1]), byValue };
      }
    } else if (
      images[0].naturalWidth === images[1].naturalWidth &&
      images[0].naturalHeight === images[1].naturalHeight
    ) {
      return { images, replies, difference: colorDifference(images[0], images[1]), byValue };
    }
    throw new Error(
      "The two pictures are not of the same size, so that no difference can be taken. Look at them side by side."
    );
  }

  /** @param {Side} a @param {Side} b @param {string} mode @param {Shown} shown */
  #show(a, b, mode, { images, replies, difference, byValue }) {
    this.cover.replaceChildren();
    this.node.dataset.mode = mode;
    const sides = [a, b];
    images.forEach((image, i) => {
      image.alt = `${"AB"[i]}: ${sides[i].series.tag}, ${sides[i].detail.label(sides[i].key.step)}`;
      image.draggable = false;
      this.#caption(i, sides[i], replies[i]);
    });
    const [width, height] = [images[0].naturalWidth, images[0].naturalHeight];
    fill(this.readout);
    if (mode === "side") {
      images.forEach((image, i) =>
        this.stages[i].show(image, image.naturalWidth, image.naturalHeight)
      );
    } else if (mode === "swipe") {
      fill(this.over, images);
      this.stages[0].show(this.over, width, height);
      this.#swipe(this.#split);
    } else if (difference !== null) {
      const { canvas, largest, mean } = difference;
      set(canvas, { role: "img", "aria-label": "Difference of A and B" });
      this.stages[0].show(canvas, byValue ? canvas.width : width, byValue ? canvas.height : height);
      const unit = byValue ? number : percent;
      fill(
        this.readout,
        largest === 0
          ? "The two are the same."
          : `Largest difference ${unit(largest)}, mean ${unit(mean)}. `,
        largest > 0 &&
          byValue &&
          el(
            "span",
            { class: "legend-difference" },
            el("i", { class: "lower" }),
            "B is lower ",
            el("i", { class: "higher" }),
            "B is higher"
          ),
        largest > 0 && !byValue && "Bright is different."
      );
    }
    this.readout.hidden = mode !== "difference";
    this.swipe.hidden = mode !== "swipe";
    this.panes[1].hidden = mode === "side" ? false : true;
    if (mode !== "side") {
      fill(
        this.captions[0],
        this.#name("A", a),
        mode === "swipe" ? " left, " : " and ",
        this.#name("B", b),
        mode === "swipe" ? " right" : ""
      );
    }
    this.zoom.update();
  }

  /** @param {string} letter @param {Side} side */
  #name(letter, { detail, series, key }) {
    const image = series.image === null ? "" : `, ${detail.images[series.image].name}`;
    return el(
      "span",
      {},
      el("b", { class: "letter" }, letter),
      ` ${detail.reply.name}${image}, ${detail.label(key.step)}`
    );
  }

  /** @param {number} i @param {Side} side @param {RecordReply | null} reply */
  #caption(i, side, reply) {
    const { label = null, prediction = null } = reply?.record ?? {};
    fill(
      this.captions[i],
      this.#name("AB"[i], side),
      prediction !== null &&
        el(
          "span",
          { class: "muted" },
          `says ${prediction.name} ${prediction.probability === null ? "" : percent(prediction.probability)}`
        ),
      label !== null && prediction !== null && verdict(label.index === prediction.index)
    );
  }

  /** @param {number} split per cent that A takes */
  #swipe(split) {
    this.#split = split;
    this.swipe.value = String(split);
    this.swipe.style.setProperty("--part", `${split}%`);
    set(this.over, { style: { "--split": `${split}%` } });
  }
}

/** @param {{width: number, height: number}} a @param {{width: number, height: number}} b */
const sameSize = (a, b) => a.width === b.width && a.height === b.height;
