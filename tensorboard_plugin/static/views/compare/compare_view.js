/**
 * Two epochs side by side.
 *
 * A is what the slider shows. B is another run, image or epoch; by default it is the first epoch.
 * They are shown side by side, with a swipe, or as a difference: of values if both pictures have
 * them, or else of colours. Both zoom together.
 */

import { el, fill, set } from "../../core/dom.js";
import { number, percent } from "../../core/format.js";
import { fetchRecord, pictureUrl } from "../../core/http_api.js";
import { choice, text } from "../../core/parameters.js";
import { keyAt } from "../../core/selection.js";
import { stepParameter } from "../../core/state.js";
import { colorDifference, valueDifference } from "../../pixels/difference.js";
import { loadImage } from "../../pixels/image_loading.js";
import { loadValues } from "../../pixels/picture_values.js";
import { segmented } from "../../widgets/controls.js";
import { failed, loading } from "../../widgets/notices.js";
import { verdict } from "../../widgets/record_facts.js";
import { STAGE_PARAMETERS, StageView } from "../stage_view.js";
import { OtherSide } from "./other_side.js";

/**
 * @import { Selection } from "../../core/selection.js"
 * @import { Patch } from "../../core/state.js"
 * @import { Context, Mounted, View, ViewState } from "../../core/view.js"
 * @import { Difference } from "../../pixels/difference.js"
 * @import { Side } from "./other_side.js"
 */

const PARAMETERS = {
  ...STAGE_PARAMETERS,
  mode: choice(["side", "swipe", "difference"]),
  runB: text(),
  imageB: text(),
  stepB: stepParameter(),
};

/** @typedef {ViewState<typeof PARAMETERS>} State */

/** @type {View<typeof PARAMETERS>} */
export const compareView = {
  id: "compare",
  label: "Compare",
  key: "5",
  style: new URL("./compare.css", import.meta.url),
  parameters: PARAMETERS,
  missing: "This run has no pictures yet.",
  accepts: () => true,
  pickers: ["name", "layer", "image"],
  mount: (context) => new CompareView(context),
};

/**
 * @typedef {object} Wanted
 * @property {string} id
 * @property {[Side, Side]} sides
 * @property {string} mode
 */

/**
 * @typedef {object} Loaded
 * @property {Wanted} wanted
 * @property {HTMLImageElement[]} images
 * @property {(RecordReply | null)[]} replies
 * @property {Difference | null} difference
 * @property {boolean} byValue
 */

/**
 * @extends {StageView<Wanted, Loaded, State>}
 * @implements {Mounted<typeof PARAMETERS>}
 */
class CompareView extends StageView {
  /** Per cent of the width at which A ends, in the mode "swipe". */
  #split = 50;
  /** @type {Loaded | null} */
  #loaded = null;

  /** @param {Context} context */
  constructor({ store, model }) {
    super(store, {
      stages: ["A: wheel zooms, drag moves", "B: wheel zooms, drag moves"],
      loading: "Loading both pictures…",
      failed: "These can't be compared",
    });
    const change = (/** @type {Patch} */ patch) => store.update(patch, { push: false });
    this.other = new OtherSide(model, change);
    this.mode = segmented(
      "How to compare",
      [
        { value: "side", label: "Side by side" },
        { value: "swipe", label: "Swipe" },
        { value: "difference", label: "Difference" },
      ],
      (mode) => change({ mode })
    );
    this.captions = [el("figcaption", {}), el("figcaption", {})];
    this.panes = this.stages.map((stage, i) =>
      el("figure", { class: "side" }, this.captions[i], stage.node)
    );
    this.swipe = el("input", {
      type: "range",
      class: "slider swipe",
      min: "0",
      max: "100",
      "aria-label": "Where A ends and B begins",
      oninput: () => this.#setSplit(Number(this.swipe.value)),
    });
    this.over = el("div", { class: "over" });
    this.readout = el("p", { class: "readout" });
    this.node = el(
      "section",
      { class: "view compare", "aria-label": "Compare" },
      el("div", { class: "viewbar" }, this.mode.node, this.other.node, this.zoom.node),
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

  /** @param {Selection} selection @param {State} state */
  prepare(selection, state) {
    const { mode } = state;
    this.mode.set(mode);
    const { detail, series, step } = selection;
    const key = keyAt(detail, series, step);
    const other = this.other.find(selection, state);
    if (other === "") return loading("Loading the other run…");
    if (typeof other === "string") return failed("Nothing to compare with", other);
    if (key === null) return null;
    const id = [pictureUrl(key), pictureUrl(other.key), mode].join("\n");
    return /** @type {Wanted} */ ({ id, mode, sides: [{ detail, series, key }, other] });
  }

  /** @param {Wanted} wanted @param {AbortSignal} signal @returns {Promise<Loaded>} */
  async load(wanted, signal) {
    const { sides, mode } = wanted;
    const [images, replies] = await Promise.all([
      Promise.all(sides.map(({ key }) => loadImage(pictureUrl(key), signal))),
      Promise.all(sides.map(({ key }) => fetchRecord(key, signal).catch(() => null))),
    ]);
    images.forEach((image, i) => {
      const { series, detail, key } = sides[i];
      image.alt = `${"AB"[i]}: ${series.tag}, ${detail.label(key.step)}`;
      image.draggable = false;
    });
    const byValue =
      sides.every(({ series }) => series.heat_map) || sides.every(({ series }) => series.levels);
    const difference = mode === "difference" ? await differ(sides, images, byValue, signal) : null;
    return { wanted, images, replies, difference, byValue };
  }

  /** @param {Loaded} loaded */
  draw(loaded) {
    if (loaded === this.#loaded) return;
    this.#loaded = loaded;
    const { wanted, images, replies, difference } = loaded;
    const { mode, sides } = wanted;
    const [width, height] = [images[0].naturalWidth, images[0].naturalHeight];
    this.node.dataset.mode = mode;
    fill(this.readout);
    if (mode === "side") {
      sides.forEach((side, i) => this.#fillCaption(i, side, replies[i]));
      images.forEach((image, i) =>
        this.stages[i].show(image, image.naturalWidth, image.naturalHeight)
      );
    } else if (mode === "swipe") {
      fill(this.captions[0], nameOf("A", sides[0]), " left, ", nameOf("B", sides[1]), " right");
      fill(this.over, images);
      this.stage.show(this.over, width, height);
      this.#setSplit(this.#split);
    } else if (difference !== null) {
      fill(this.captions[0], nameOf("A", sides[0]), " and ", nameOf("B", sides[1]));
      this.#showDifference(difference, loaded.byValue, [width, height]);
    }
    this.readout.hidden = mode !== "difference";
    this.swipe.hidden = mode !== "swipe";
    this.panes[1].hidden = mode !== "side";
  }

  clear() {
    this.#loaded = null;
    for (const caption of this.captions) fill(caption);
    fill(this.readout);
  }

  /**
   * @param {Difference} difference
   * @param {boolean} byValue whether it is one of values, not of colours
   * @param {[number, number]} size of the pictures
   */
  #showDifference({ canvas, largest, mean }, byValue, size) {
    const [width, height] = byValue ? [canvas.width, canvas.height] : size;
    const write = byValue ? number : percent;
    set(canvas, { role: "img", "aria-label": "Difference of A and B" });
    this.stage.show(canvas, width, height);
    if (largest === 0) {
      fill(this.readout, "The two are the same.");
      return;
    }
    const colors = el(
      "span",
      { class: "legend-difference" },
      el("i", { class: "lower" }),
      "B is lower ",
      el("i", { class: "higher" }),
      "B is higher"
    );
    fill(
      this.readout,
      `Largest difference ${write(largest)}, mean ${write(mean)}. `,
      byValue ? colors : "Bright is different."
    );
  }

  /** @param {number} i @param {Side} side @param {RecordReply | null} reply */
  #fillCaption(i, side, reply) {
    const { label = null, prediction = null } = reply?.record ?? {};
    const probability = prediction?.probability ?? null;
    const outcome = `predicted ${prediction?.name} ${probability === null ? "" : percent(probability)}`;
    fill(
      this.captions[i],
      nameOf("AB"[i], side),
      prediction !== null && el("span", { class: "muted" }, outcome),
      label !== null && prediction !== null && verdict(label.index === prediction.index)
    );
  }

  /** @param {number} split per cent of the width at which A ends */
  #setSplit(split) {
    this.#split = split;
    this.swipe.value = String(split);
    this.swipe.style.setProperty("--part", `${split}%`);
    set(this.over, { style: { "--split": `${split}%` } });
  }
}

/** @param {string} letter @param {Side} side */
function nameOf(letter, { detail, series, key }) {
  const image = series.image === null ? "" : `, ${detail.images[series.image].name}`;
  const name = ` ${detail.reply.name}${image}, ${detail.label(key.step)}`;
  return el("span", {}, el("b", { class: "letter" }, letter), name);
}

/**
 * @param {Side[]} sides
 * @param {HTMLImageElement[]} images
 * @param {boolean} byValue whether both have values
 * @param {AbortSignal} signal
 * @returns {Promise<Difference>}
 */
async function differ(sides, images, byValue, signal) {
  if (byValue) {
    const [a, b] = await Promise.all(
      sides.map(({ series, key }) => loadValues(series, key, signal))
    );
    if (a.width === b.width && a.height === b.height) return valueDifference(a, b);
  } else {
    const [a, b] = images;
    if (a.naturalWidth === b.naturalWidth && a.naturalHeight === b.naturalHeight) {
      return colorDifference(a, b);
    }
  }
  throw new Error(
    "The two pictures are not of the same size, so that no difference can be taken. " +
      "Look at them side by side."
  );
}
