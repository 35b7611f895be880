/**
 * The channels of a layer, ordered by their mean response, which is listed beside them.
 *
 * The channels or filters of a grid. The line below the picture has the number, the statistics and
 * the value of the one under the pointer. A click opens it alone, with its pictures of all epochs
 * in a row. They can be sorted by mean response, and dead ones can be hidden.
 */

import { el, fill, say } from "../../core/dom.js";
import { capital, number } from "../../core/format.js";
import { cellUrl, fetchChannel, fetchRecord, levelsUrl, pictureUrl } from "../../core/http_api.js";
import { Lane } from "../../core/lane.js";
import { choice, whole } from "../../core/parameters.js";
import { keyAt } from "../../core/selection.js";
import { loadImage, loadSamples } from "../../pixels/image_loading.js";
import { corner, isDead, responses, statisticsOf, valueOf } from "../../pixels/picture_values.js";
import { segmented } from "../../widgets/controls.js";
import { FilmStrip } from "../../widgets/film_strip.js";
import { LineChart } from "../../widgets/line_chart.js";
import { failed } from "../../widgets/notices.js";
import { STAGE_PARAMETERS, StageView } from "../stage_view.js";
import { CellSheet } from "./cell_sheet.js";
import { cellButtons, cellFacts, historyLines } from "./channel_lists.js";

/**
 * @import { PictureKey } from "../../core/http_api.js"
 * @import { Selection } from "../../core/selection.js"
 * @import { Context, Mounted, View, ViewState } from "../../core/view.js"
 * @import { Samples } from "../../pixels/png_samples.js"
 */

const PARAMETERS = {
  ...STAGE_PARAMETERS,
  /** Channel or filter that is open alone. */
  item: whole(0, Number.MAX_SAFE_INTEGER, null, { isPlace: true, ofLayer: true }),
  sort: choice(["network", "mean"]),
  dead: choice(["show", "hide"]),
};

/** @typedef {ViewState<typeof PARAMETERS>} State */

/** @type {View<typeof PARAMETERS>} */
export const channelsView = {
  id: "channels",
  label: "Channels",
  key: "3",
  style: new URL("./channels.css", import.meta.url),
  parameters: PARAMETERS,
  missing:
    "This run has no grids of channels or filters. " +
    "Attach ActivationGrid or FilterPatterns to the training.",
  accepts: (series) => series.grid,
  pickers: ["name", "layer", "image"],
  cell: (state) => state.item,
  mount: (context) => new ChannelsView(context),
};

/**
 * @typedef {object} Wanted
 * @property {string} id address of the picture
 * @property {PictureKey} key
 * @property {boolean} hasLevels
 */

/**
 * @typedef {object} Loaded
 * @property {HTMLImageElement} picture
 * @property {PictureRecord} record
 * @property {GridGeometry} grid
 * @property {Samples | null} levels
 */

/**
 * @extends {StageView<Wanted, Loaded, State>}
 * @implements {Mounted<typeof PARAMETERS>}
 */
class ChannelsView extends StageView {
  #histories = this.own(new Lane());
  /** @type {Loaded | null} */
  #loaded = null;
  /** Position on the picture, in fractions. @type {{x: number, y: number} | null} */
  #pointer = null;
  /** @type {State | null} */
  #state = null;
  /** @type {Selection | null} */
  #selection = null;
  /** @type {ChannelReply | null} */
  #history = null;

  /** @param {Context} context */
  constructor({ store }) {
    super(store, {
      stages: ["Channels: wheel zooms, drag moves, a click opens a channel"],
      loading: "Loading the channels…",
      failed: "These channels can't be shown",
    });
    this.sheet = new CellSheet();
    this.allCells = el("button", { type: "button", onclick: () => store.update({ item: null }) });
    this.sort = segmented(
      "Order",
      [
        { value: "network", label: "Network" },
        { value: "mean", label: "Mean response" },
      ],
      (sort) => store.update({ sort }, { push: false })
    );
    this.hide = el("input", {
      type: "checkbox",
      onchange: () => store.update({ dead: this.hide.checked ? "hide" : "show" }, { push: false }),
    });
    this.tools = el(
      "div",
      { class: "tools" },
      el("span", { class: "muted" }, "Order"),
      this.sort.node,
      el("label", { class: "check" }, this.hide, "Hide dead")
    );
    this.readout = el("p", { class: "readout", role: "status" });
    this.list = el("ul", { class: "channels" });
    const choose = (/** @type {number} */ step) => store.update({ step }, { push: false });
    this.chart = this.own(new LineChart(choose));
    this.strip = this.own(new FilmStrip("This channel through the epochs", choose));
    this.side = el("aside", { class: "facts", "aria-label": "Channels" });
    this.node = el(
      "section",
      { class: "view channels-view", "aria-label": "Channels" },
      el(
        "div",
        { class: "viewbar" },
        this.allCells,
        this.title,
        el("span", { class: "push" }),
        this.tools,
        this.zoom.node
      ),
      el(
        "div",
        { class: "split" },
        el(
          "div",
          { class: "pane stacked" },
          this.stage.node,
          this.cover,
          this.readout,
          this.strip.node
        ),
        this.side
      )
    );
    this.stage.node.addEventListener("pointermove", (event) => {
      this.#pointer = this.stage.pointOf(event);
      this.#read();
    });
    this.stage.node.addEventListener("pointerleave", () => {
      this.#pointer = null;
      this.#read();
    });
    this.stage.node.addEventListener("click", () => this.#open());
  }

  /** @param {Selection} selection @param {State} state */
  prepare(selection, state) {
    this.#selection = selection;
    this.#state = state;
    const { detail, series, step } = selection;
    const key = keyAt(detail, series, step);
    if (key === null) return null;
    const { item } = state;
    this.allCells.hidden = this.strip.node.hidden = item === null;
    this.tools.hidden = item !== null;
    this.sort.set(state.sort);
    this.hide.checked = state.dead === "hide";
    const layer = detail.subjectOf(series);
    const noun = this.#noun;
    const label = detail.label(key.step);
    this.allCells.textContent = `‹ All ${noun}s`;
    if (item === null) {
      this.setTitle(layer, label);
    } else {
      this.setTitle(`${capital(noun)} ${item}`, `${layer}, ${label}`);
      this.#updateAlone(selection, item, key.step);
    }
    return { id: pictureUrl(key), key, hasLevels: series.levels };
  }

  /** @param {Wanted} wanted @param {AbortSignal} signal */
  async load({ id, key, hasLevels }, signal) {
    const [picture, { record }, levels] = await Promise.all([
      loadImage(id, signal),
      fetchRecord(key, signal),
      hasLevels ? loadSamples(levelsUrl(key), signal) : null,
    ]);
    const grid = record?.grid ?? null;
    if (record === null || grid === null) {
      throw new Error("The record of this picture is damaged, so that its channels are not known.");
    }
    return { picture, record, grid, levels };
  }

  /** @param {Loaded} loaded */
  draw(loaded) {
    const state = /** @type {State} */ (this.#state);
    const { grid, picture, record } = loaded;
    const { item } = state;
    this.#loaded = loaded;
    if (item !== null && !grid.items.includes(item)) {
      this.clear();
      this.stage.content.replaceChildren();
      const range = `from ${Math.min(...grid.items)} to ${Math.max(...grid.items)}`;
      const message = `It holds ${grid.items.length} of them, ${range}.`;
      const retry = () => this.store.update({ item: null });
      this.cover.replaceChildren(failed(`${item} is not in this grid`, message, retry));
      return;
    }
    const order = item === null ? inOrder(loaded, state) : [grid.items.indexOf(item)];
    this.sheet.draw(picture, grid, order, item === null ? grid.gap : 0);
    this.stage.show(this.sheet.node, this.sheet.width, this.sheet.height);
    if (item === null) this.#fillList(loaded, order);
    else fill(this.side, cellFacts(record, order[0]), this.#drawHistory(item));
    if (order.length === 0) {
      const notice = el("p", { class: "notice" }, `Every ${this.#noun} is dead on this image.`);
      this.cover.replaceChildren(notice);
    }
    this.#read();
  }

  clear() {
    this.#loaded = null;
    fill(this.side);
    say(this.readout, "");
  }

  back() {
    if ((this.#state?.item ?? null) === null) return false;
    this.store.update({ item: null });
    return true;
  }

  /** What a cell of the grid is called. */
  get #noun() {
    return this.#selection?.series.item ?? "cell";
  }

  /** @param {Selection} selection @param {number} item @param {number} step */
  #updateAlone({ detail, series }, item, step) {
    const name = `${capital(this.#noun)} ${item}`;
    this.strip.update({
      key: `${detail.run}\n${series.tag}\n${item}`,
      steps: detail.steps(series),
      step,
      url: (s) => cellUrl(detail.key(series, s), item),
      label: (s) => `${name}, ${detail.label(s)}`,
    });
    const query = { run: detail.run, tag: series.tag, item };
    this.#histories.ask(
      `${detail.reply.token}\n${series.tag}\n${item}`,
      (signal) => fetchChannel(query, signal),
      (reply) => {
        this.#history = reply;
        if (this.#loaded !== null) this.draw(this.#loaded);
      },
      () => {} // the chart is left out then
    );
  }

  /** @param {Loaded} loaded @param {number[]} order */
  #fillList({ grid, record }, order) {
    const dead = grid.items.filter((_, cell) => isDead(record, cell)).length;
    const what =
      record.kind === "patterns"
        ? `response of each ${this.#noun} to its pattern`
        : "mean response";
    const count = `${order.length} of ${grid.items.length} shown, ${dead} dead here. By ${what}:`;
    const actions = {
      open: (/** @type {number} */ item) => this.store.update({ item, zoom: null }),
      mark: (/** @type {number | null} */ cell) => this.sheet.markCell(cell),
    };
    fill(this.list, cellButtons(record, order, actions));
    fill(this.side, el("p", { class: "muted" }, count), this.list);
  }

  /** @param {number} item @returns {HTMLElement | null} the chart, where its numbers are there */
  #drawHistory(item) {
    const [history, selection] = [this.#history, this.#selection];
    if (history === null || selection === null || history.item !== item) return null;
    this.chart.update({
      label: `Response of this ${this.#noun} over the epochs`,
      steps: history.step,
      lines: historyLines(history),
      range: null,
      step: selection.step,
    });
    return this.chart.node;
  }

  /** Says what is under the pointer. */
  #read() {
    const loaded = this.#loaded;
    if (loaded === null) return;
    const all = this.#state?.item === null;
    const found = this.#pointer === null ? null : this.sheet.find(this.#pointer);
    this.sheet.markCell(all ? (found?.cell ?? null) : null);
    if (found === null) {
      const [noun, pixel] = [this.#noun, "Point at a pixel to read its value."];
      say(this.readout, all ? `Point at a ${noun} to read it, click to open it.` : pixel);
      return;
    }
    const { grid, record, levels } = loaded;
    const { cell, x, y } = found;
    const parts = statisticsOf(record, cell).map(([what, value]) => `${what} ${value}`);
    if (levels !== null && record.layer !== null) {
      const at = corner(grid, cell);
      const level = levels.data[(at.y + y) * levels.width + at.x + x];
      const value = valueOf(level, record, cell);
      const where = placeIn(record.layer.shape, x / grid.cell_width, y / grid.cell_height);
      parts.unshift(`value ${Number.isNaN(value) ? "not finite" : number(value)}${where}`);
    }
    say(this.readout, `${capital(this.#noun)} ${grid.items[cell]}: ${parts.join(" · ")}`);
  }

  #open() {
    const found = this.#pointer === null ? null : this.sheet.find(this.#pointer);
    if (found === null || this.#loaded === null || this.#state?.item !== null) return;
    this.store.update({ item: this.#loaded.grid.items[found.cell], zoom: null });
  }
}

/**
 * The cells of a grid that are shown, in their order.
 * @param {Loaded} loaded
 * @param {State} state
 * @returns {number[]}
 */
function inOrder({ grid, record }, state) {
  let order = grid.items.map((_, cell) => cell);
  if (state.dead === "hide") order = order.filter((cell) => !isDead(record, cell));
  if (state.sort === "mean") {
    const response = responses(record);
    order.sort((a, b) => (response[b] ?? -Infinity) - (response[a] ?? -Infinity));
  }
  return order;
}

/**
 * Where in a layer's output a point of a cell lies, in words; the slices of a volume have none.
 * @param {number[]} shape of the output, channels last
 * @param {number} x share of the cell's width
 * @param {number} y share of its height
 */
function placeIn(shape, x, y) {
  const at = (/** @type {number} */ part, /** @type {number} */ axis) =>
    Math.floor(part * shape[axis]);
  if (shape.length === 3) return ` at row ${at(y, 0)}, column ${at(x, 1)}`;
  if (shape.length === 2) return ` at step ${at(x, 0)}`;
  return "";
}
