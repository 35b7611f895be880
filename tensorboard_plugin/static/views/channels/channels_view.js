/** The channels of a layer: named and measured under the pointer, sorted, opened alone. */

import {
  cellUrl,
  fetchChannel,
  fetchRecord,
  Lane,
  levelsUrl,
  pictureUrl,
} from "../../core/http_api.js";
import { LineChart } from "../../widgets/line_chart.js";
import { el, fill, say, segmented, set } from "../../core/dom.js";
import { number } from "../../core/format.js";
import { loadImage, loadSamples } from "../../pixels/image_loading.js";
import { failed, loading } from "../../widgets/notices.js";
import { keyAt } from "../../core/selection.js";
import { Strip } from "../../widgets/film_strip.js";
import { corner, isDead, statisticsOf, valueOf } from "../../pixels/picture_values.js";
import { Camera, Stage, zoomButtons } from "../../widgets/stage.js";

/** @typedef {import("../index.js").Mounted} Mounted */

/** @type {import("../index.js").View} */
export const channelsView = {
  id: "channels",
  label: "Channels",
  missing:
    "This run has no grids of channels or filters. Attach ActivationGrid or FilterPatterns to the training.",
  accepts: (series) => series.kind === "grid",
  pickers: ["technique", "layer", "image"],
  mount: (context) => new ChannelsView(context),
};

/**
 * @typedef {object} Sheet what is on the stage
 * @property {string} key
 * @property {HTMLImageElement} picture
 * @property {PictureRecord} record
 * @property {GridGeometry} grid
 * @property {import("../../pixels/png_samples.js").Samples | null} levels
 */

/** @implements {Mounted} */
class ChannelsView {
  #lane = new Lane();
  #channelLane = new Lane();
  /** @type {Sheet | null} */
  #sheet = null;
  /** Cells of the grid in the order shown. @type {number[]} */
  #order = [];
  /** @type {{x: number, y: number} | null} fractions of the stage's content */
  #pointer = null;
  /** @type {import("../../core/state.js").State | null} */
  #state = null;
  /** @type {import("../index.js").Selection | null} */
  #selection = null;
  /** @type {ChannelReply | null} */
  #history = null;

  /** @param {import("../index.js").Context} context */
  constructor({ store }) {
    this.store = store;
    this.camera = new Camera((zoom) => store.update({ zoom }, { push: false }));
    this.stage = new Stage(
      this.camera,
      "Channels: wheel zooms, drag moves, a click opens a channel"
    );
    this.zoom = zoomButtons(this.camera, () => this.stage);
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.mark = el("div", { class: "mark", hidden: true });
    this.sheet = el("div", { class: "sheet" }, this.canvas, this.mark);
    this.title = el("h2", { class: "title" });
    this.back = el(
      "button",
      { type: "button", onclick: () => store.update({ item: null }) },
      "All channels"
    );
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
    this.cover = el("div", { class: "cover" });
    this.list = el("ul", { class: "channels" });
    this.chart = new LineChart((step) => store.update({ step }, { push: false }));
    this.strip = new Strip("This channel through the epochs", (step) =>
      store.update({ step }, { push: false })
    );
    this.side = el("aside", { class: "facts", "aria-label": "Channels" });
    this.node = el(
      "section",
      { class: "view channels-view", "aria-label": "Channels" },
      el(
        "div",
        { class: "viewbar" },
        this.back,
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
    this.stage.node.addEventListener("pointermove", (event) => this.#hover(event));
    this.stage.node.addEventListener("pointerleave", () => this.#leave());
    this.stage.node.addEventListener("click", () => this.#open());
  }

  destroy() {
    this.#lane.drop();
    this.#channelLane.drop();
    this.stage.destroy();
    this.strip.destroy();
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
    if (state.zoom !== this.camera.zoom) this.camera.look(state.zoom);
    const { detail, series, step } = selection;
    const key = keyAt(detail, series, step);
    if (key === null) return;
    const alone = state.item !== null;
    this.back.hidden = this.strip.node.hidden = !alone;
    this.tools.hidden = alone;
    this.sort.set(state.sort);
    this.hide.checked = state.dead === "hide";
    const layer = detail.layers[/** @type {number} */ (selection.layer)].path;
    const one = series.technique === "filters" ? "Filter" : "Channel";
    this.back.textContent = `‹ All ${one.toLowerCase()}s`;
    this.title.replaceChildren(
      alone ? `${one} ${state.item}` : layer,
      el("span", { class: "muted" }, `${alone ? `${layer}, ` : ""}${detail.label(key.step)}`)
    );
    if (this.#sheet === null) this.cover.replaceChildren(loading("Loading the channels…"));
    const url = pictureUrl(key);
    this.#lane.ask(
      url,
      (signal) => this.#load(key, series, signal),
      (sheet) => {
        this.#sheet = sheet;
        this.cover.replaceChildren();
        this.#draw();
      },
      (error) => {
        this.#sheet = null;
        this.stage.content.replaceChildren();
        this.cover.replaceChildren(
          failed("These channels can't be shown", error.message, () =>
            this.update(selection, state)
          )
        );
      }
    );
    if (alone) this.#updateAlone(selection, /** @type {number} */ (state.item), one);
    if (this.#sheet !== null && this.#sheet.key === url) this.#draw();
  }

  /**
   * @param {import("../../core/http_api.js").PictureKey} key
   * @param {SeriesInfo} series
   * @param {AbortSignal} signal
   * @returns {Promise<Sheet>}
   */
  async #load(key, series, signal) {
    const url = pictureUrl(key);
    const [picture, { record }, levels] = await Promise.all([
      loadImage(url, signal),
      fetchRecord(key, signal),
      series.levels ? loadSamples(levelsUrl(key), signal) : null,
    ]);
    const grid = record?.grid ?? null;
    if (record === null || grid === null) {
      throw new Error("The record of this picture is damaged, so that its channels are not known.");
    }
    return { key: url, picture, record, grid, levels };
  }

  /** @param {import("../index.js").Selection} selection @param {number} item @param {string} one */
  #updateAlone({ detail, series, step }, item, one) {
    const steps = detail.steps(series);
    const key = keyAt(detail, series, step);
    this.strip.update({
      key: `${detail.run}\n${series.tag}\n${item}`,
      steps,
      step: key?.step ?? step,
      url: (s) => cellUrl(detail.key(series, s), item),
      label: (s) => `${one} ${item}, ${detail.label(s)}`,
    });
    const query = { run: detail.run, tag: series.tag, item };
    this.#channelLane.ask(
      `${detail.reply.token}\n${series.tag}\n${item}`,
      (signal) => fetchChannel(query, signal),
      (reply) => {
        this.#history = reply;
        this.#draw();
      },
      () => {} // the chart alone stays away
    );
  }

  /** Lays the cells out in the chosen order, or the one that is open. */
  #draw() {
    const [sheet, state] = [this.#sheet, this.#state];
    if (sheet === null || state === null) return;
    const { grid, picture, record } = sheet;
    const { item } = state;
    if (item !== null && !grid.items.includes(item)) {
      this.stage.content.replaceChildren();
      fill(this.side);
      say(this.readout, "");
      this.cover.replaceChildren(
        failed(
          `${item} is not in this grid`,
          `It holds ${grid.items.length} of them, from ${Math.min(...grid.items)} to ${Math.max(...grid.items)}.`,
          () => this.store.update({ item: null })
        )
      );
      return;
    }
    this.cover.replaceChildren();
    this.#order = item === null ? this.#sorted(sheet, state) : [grid.items.indexOf(item)];
    const columns = Math.max(1, Math.min(grid.columns, this.#order.length));
    const rows = Math.ceil(this.#order.length / columns);
    const gap = item === null ? grid.gap : 0;
    const [width, height] = [
      gap + columns * (grid.cell_width + gap),
      gap + Math.max(1, rows) * (grid.cell_height + gap),
    ];
    this.canvas.width = width;
    this.canvas.height = height;
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    this.#order.forEach((cell, i) => {
      const from = corner(grid, cell);
      const to = corner({ ...grid, columns, gap }, i);
      const { cell_width: w, cell_height: h } = grid;
      context.drawImage(picture, from.x, from.y, w, h, to.x, to.y, w, h);
    });
    this.stage.show(this.sheet, width, height);
    this.zoom.update();
    if (item === null) this.#fillList(sheet);
    else this.#fillAlone(record, this.#order[0]);
    if (this.#order.length === 0) {
      this.cover.replaceChildren(
        el("p", { class: "notice" }, "Every channel is dead on this image.")
      );
    }
    this.#point();
  }

  /** @param {Sheet} sheet @param {import("../../core/state.js").State} state */
  #sorted({ grid, record }, state) {
    const { mean, maximum } = record.statistics ?? { mean: [], maximum: [] };
    let order = grid.items.map((_, i) => i);
    if (state.dead === "hide") order = order.filter((i) => !isDead(record, i));
    if (state.sort === "mean") {
      const response = mean.length > 0 ? mean : maximum;
      order.sort((a, b) => (response[b] ?? -Infinity) - (response[a] ?? -Infinity));
    }
    return order;
  }

  /** @param {Sheet} sheet */
  #fillList({ grid, record }) {
    const statistics = record.statistics;
    const response =
      statistics === null ? [] : statistics.mean.length > 0 ? statistics.mean : statistics.maximum;
    const largest = Math.max(1e-12, ...response.map((v) => Math.abs(v ?? 0)));
    fill(
      this.list,
      this.#order.map((cell) => {
        const value = response[cell] ?? null;
        const button = el(
          "button",
          {
            type: "button",
            onclick: () => this.store.update({ item: grid.items[cell], zoom: null }),
            onpointerenter: () => this.#markCell(cell),
            onfocus: () => this.#markCell(cell),
            onpointerleave: () => this.#markCell(null),
            onblur: () => this.#markCell(null),
          },
          el("b", {}, grid.items[cell]),
          el("i", {
            "aria-hidden": "true",
            style: { "--part": String(Math.abs(value ?? 0) / largest) },
          }),
          el("span", {}, isDead(record, cell) ? "dead" : number(value))
        );
        return el("li", {}, button);
      })
    );
    const dead = grid.items.filter((_, i) => isDead(record, i)).length;
    const what =
      record.technique === "filters" ? "response of each filter to its pattern" : "mean response";
    fill(
      this.side,
      el(
        "p",
        { class: "muted" },
        `${this.#order.length} of ${grid.items.length} shown, ${dead} dead here. By ${what}:`
      ),
      this.list
    );
  }

  /** @param {PictureRecord} record @param {number} cell */
  #fillAlone(record, cell) {
    const rows = statisticsOf(record, cell);
    /** @type {HTMLElement[]} */
    const nodes = [
      el(
        "dl",
        {},
        rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))
      ),
    ];
    if (isDead(record, cell))
      nodes.unshift(el("p", { class: "verdict wrong" }, "✗ dead: zero everywhere on this image"));
    const history = this.#history;
    if (history !== null && history.item === this.#state?.item && this.#selection !== null) {
      const lines = [
        { name: "maximum", kind: "first", values: history.maximum ?? [] },
        { name: "mean", kind: "second", values: history.mean ?? history.start ?? [] },
      ].filter((line) => line.values.length > 0);
      if (history.mean === null && lines[1]) lines[1].name = "start";
      this.chart.update({
        label: "Response of this channel over the epochs",
        steps: history.step,
        lines,
        range: null,
        step: this.#selection.step,
      });
      nodes.push(this.chart.node);
    }
    fill(this.side, nodes);
  }

  /** @param {PointerEvent} event */
  #hover(event) {
    const area = this.stage.content.getBoundingClientRect();
    this.#pointer = {
      x: (event.clientX - area.left) / area.width,
      y: (event.clientY - area.top) / area.height,
    };
    this.#point();
  }

  #leave() {
    this.#pointer = null;
    this.#point();
  }

  /** The cell under the pointer, and the pixel within it. */
  #under() {
    if (this.#pointer === null || this.#sheet === null) return null;
    const { grid } = this.#sheet;
    const gap = this.#state?.item === null ? grid.gap : 0;
    const columns = Math.max(1, Math.min(grid.columns, this.#order.length));
    const px = Math.floor(this.#pointer.x * this.canvas.width) - gap;
    const py = Math.floor(this.#pointer.y * this.canvas.height) - gap;
    const [pitchX, pitchY] = [grid.cell_width + gap, grid.cell_height + gap];
    const [column, row] = [Math.floor(px / pitchX), Math.floor(py / pitchY)];
    const [x, y] = [px - column * pitchX, py - row * pitchY];
    const place = row * columns + column;
    const inside =
      px >= 0 && py >= 0 && column < columns && x < grid.cell_width && y < grid.cell_height;
    return inside && place < this.#order.length ? { place, cell: this.#order[place], x, y } : null;
  }

  /** Says what is under the pointer. */
  #point() {
    const found = this.#under();
    const sheet = this.#sheet;
    this.#markPlace(found === null || this.#state?.item !== null ? null : found.place);
    if (found === null || sheet === null) {
      const invite =
        this.#state?.item === null
          ? "Point at a channel to read it, click to open it."
          : "Point at a pixel to read its value.";
      say(this.readout, invite);
      return;
    }
    const { grid, record, levels } = sheet;
    const name = `${record.technique === "filters" ? "Filter" : "Channel"} ${grid.items[found.cell]}`;
    const parts = statisticsOf(record, found.cell).map(([what, value]) => `${what} ${value}`);
    if (levels !== null && record.layer !== null) {
      const at = corner(grid, found.cell);
      const level = levels.data[(at.y + found.y) * levels.width + at.x + found.x];
      const value = valueOf(level, record, found.cell);
      const where = placeIn(
        record.layer.shape,
        found.x / grid.cell_width,
        found.y / grid.cell_height
      );
      parts.unshift(`value ${Number.isNaN(value) ? "not finite" : number(value)}${where}`);
    }
    say(this.readout, `${name}: ${parts.join(" · ")}`);
  }

  /** @param {number | null} cell of the grid as it was written */
  #markCell(cell) {
    this.#markPlace(cell === null ? null : this.#order.indexOf(cell));
  }

  /** @param {number | null} place in the order shown */
  #markPlace(place) {
    this.mark.hidden = place === null || place < 0 || this.#sheet === null;
    if (this.mark.hidden || place === null || this.#sheet === null) return;
    const { grid } = this.#sheet;
    const columns = Math.max(1, Math.min(grid.columns, this.#order.length));
    const { x, y } = corner({ ...grid, columns }, place);
    const { width, height } = this.canvas;
    set(this.mark, {
      style: {
        left: `${(100 * x) / width}%`,
        top: `${(100 * y) / height}%`,
        width: `${(100 * grid.cell_width) / width}%`,
        height: `${(100 * grid.cell_height) / height}%`,
      },
    });
  }

  #open() {
    const found = this.#under();
    if (found === null || this.#sheet === null || this.#state?.item !== null) return;
    this.store.update({ item: this.#sheet.grid.items[found.cell], zoom: null });
  }
}

/**
 * Where in a layer's output a point of a cell lies, in words; the slices of a volume have none.
 * @param {number[]} shape of the output, channels last
 * @param {number} x share of the cell's width
 * @param {number} y share of its height
 */
function placeIn(shape, x, y) {
  if (shape.length === 3)
    return ` at row ${Math.floor(y * shape[0])}, column ${Math.floor(x * shape[1])}`;
  if (shape.length === 2) return ` at step ${Math.floor(x * shape[0])}`;
  return "";
}
