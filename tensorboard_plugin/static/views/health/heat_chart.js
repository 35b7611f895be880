/** One number for each layer and epoch, as a heat chart. */

import { el, fill, say, set } from "../../core/dom.js";
import { percent } from "../../core/format.js";
import { fetchHealth } from "../../core/http_api.js";
import { Lane } from "../../core/lane.js";
import { placeOf } from "../../core/run_detail.js";

/**
 * @import { Selection } from "../../core/selection.js"
 * @import { Store } from "../../core/state.js"
 */

/** More columns than this are thinned out. */
const COLUMNS = 500;
/** Pixels for each number on the axis. */
const TICK_ROOM = 48;
const PENDING_MS = 250;

export class HeatChart {
  #lane = new Lane();
  /** @type {HealthReply | null} */
  #reply = null;
  #for = "";
  #round = 0;
  /** @type {number | undefined} */
  #timer;
  /** @type {Selection | null} */
  #selection = null;
  /** @type {{row: number, column: number} | null} */
  #pointer = null;

  /**
   * @param {Store} store
   * @param {"dead" | "change"} measure
   * @param {string} title
   * @param {string} about
   */
  constructor(store, measure, title, about) {
    this.store = store;
    this.measure = measure;
    this.canvas = el("canvas", { role: "img", "aria-label": title });
    this.cursor = el("div", { class: "cursor" });
    this.names = el("div", { class: "row-names" });
    this.axis = el("div", { class: "axis", "aria-hidden": "true" });
    this.readout = el("p", { class: "readout", role: "status" });
    this.state = el("p", { class: "muted", role: "status" });
    this.top = el("span", {});
    this.plot = el("div", { class: "plot" }, this.canvas, this.cursor);
    this.node = el(
      "section",
      { class: `heat ${measure}`, "aria-label": title },
      el(
        "div",
        { class: "heat-head" },
        el("div", {}, el("h2", {}, title), el("p", { class: "muted" }, about)),
        el(
          "div",
          { class: "key" },
          el("div", { class: "scale" }),
          el("div", { class: "ends" }, el("span", {}, "0"), this.top)
        )
      ),
      el(
        "div",
        { class: "heat-body" },
        this.names,
        el("div", { class: "heat-plot" }, this.axis, this.plot)
      ),
      this.readout,
      this.state
    );
    this.plot.addEventListener("pointermove", (event) => this.#point(event));
    this.plot.addEventListener("pointerleave", () => {
      this.#pointer = null;
      this.#read();
    });
    this.plot.addEventListener("click", () => this.#open());
  }

  destroy() {
    this.#lane.drop();
    window.clearTimeout(this.#timer);
  }

  /** @param {Selection} selection */
  update(selection) {
    this.#selection = selection;
    const { detail, technique, image, steps } = selection;
    const name = image === null ? null : detail.images[image].name;
    const series = [detail.run, technique, name].join("\n");
    if (series !== this.#for) {
      this.#for = series;
      this.#reply = null;
      say(this.state, "Loading…");
    }
    // Dead channels are a matter of the layer: one number for all the images.
    const query = {
      run: detail.run,
      technique,
      measure: this.measure,
      image: this.measure === "dead" ? null : name,
      every: Math.max(1, Math.ceil(steps.length / COLUMNS)),
    };
    this.#lane.ask(
      `${series}\n${detail.reply.token}\n${this.#round}`,
      (signal) => fetchHealth(query, signal),
      (reply) => this.#arrived(reply),
      (error) => {
        this.#reply = null;
        this.draw();
        fill(this.state, el("span", { class: "error" }, error.message));
      }
    );
    this.#mark();
    this.#read();
  }

  /** @param {HealthReply} reply */
  #arrived(reply) {
    this.#reply = reply;
    const all = reply.values.reduce((sum, row) => sum + row.length, 0);
    const known = reply.values.some((row) => row.some((v) => v !== null));
    if (reply.pending > 0) {
      say(
        this.state,
        `Comparing pictures: ${Math.floor((100 * (all - reply.pending)) / Math.max(1, all))} %`
      );
      window.clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => {
        this.#round += 1;
        if (this.#selection !== null) this.update(this.#selection);
      }, PENDING_MS);
    } else {
      say(
        this.state,
        known ? "" : "Nothing is known of this for this technique. Choose another one above."
      );
    }
    this.draw();
  }

  draw() {
    const reply = this.#reply;
    this.plot.parentElement?.parentElement?.toggleAttribute("hidden", reply === null);
    if (reply === null || this.#selection === null) return;
    const { detail } = this.#selection;
    const [columns, rows] = [Math.max(1, reply.step.length), Math.max(1, reply.layers.length)];
    const largest =
      this.measure === "dead" ? 1 : Math.max(1e-9, ...reply.values.flat().map((v) => v ?? 0));
    say(this.top, this.measure === "dead" ? "100 %" : percent(largest));
    this.canvas.width = columns;
    this.canvas.height = rows;
    this.node.style.setProperty("--rows", String(rows));
    const style = getComputedStyle(this.node);
    const [low, high] = [
      channels(style.getPropertyValue("--low")),
      channels(style.getPropertyValue("--high")),
    ];
    const pixels = new ImageData(columns, rows);
    reply.values.forEach((row, y) =>
      row.forEach((value, x) => {
        if (value === null) return;
        const part = Math.min(1, value / largest);
        const at = 4 * (y * columns + x);
        for (let c = 0; c < 3; c++) pixels.data[at + c] = low[c] + (high[c] - low[c]) * part;
        pixels.data[at + 3] = 255;
      })
    );
    this.canvas.getContext("2d")?.putImageData(pixels, 0, 0);
    fill(
      this.names,
      reply.layers.map((layer) => {
        const { path } = detail.layers[layer];
        return el(
          "button",
          { type: "button", title: path, onclick: () => this.#show(layer, null) },
          path
        );
      })
    );
    const every = tickEvery(columns, this.plot.clientWidth / TICK_ROOM);
    fill(
      this.axis,
      Array.from({ length: Math.ceil(columns / every) }, (_, i) => {
        const left = `${(100 * (i * every + 0.5)) / columns}%`;
        return el("span", { style: { left } }, reply.step[i * every]);
      })
    );
    this.#mark();
    this.#read();
  }

  /** Marks where the slider stands. */
  #mark() {
    const reply = this.#reply;
    if (reply === null || this.#selection === null || reply.step.length === 0) return;
    const place = placeOf(reply.step, this.#selection.step);
    const width = 100 / reply.step.length;
    set(this.cursor, { style: { left: `${place * width}%`, width: `${width}%` } });
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const reply = this.#reply;
    if (reply === null) return;
    const area = this.plot.getBoundingClientRect();
    const column = Math.floor(((event.clientX - area.left) / area.width) * reply.step.length);
    const row = Math.floor(((event.clientY - area.top) / area.height) * reply.layers.length);
    this.#pointer = {
      row: Math.min(reply.layers.length - 1, Math.max(0, row)),
      column: Math.min(reply.step.length - 1, Math.max(0, column)),
    };
    this.#read();
  }

  /** Says what stands under the pointer, else where the slider and the keys are. */
  #read() {
    const [reply, selection] = [this.#reply, this.#selection];
    if (reply === null || selection === null || reply.step.length === 0) return;
    const { detail, layer, step } = selection;
    const row = this.#pointer?.row ?? Math.max(0, reply.layers.indexOf(layer ?? -1));
    const column = this.#pointer?.column ?? placeOf(reply.step, step);
    const value = reply.values[row]?.[column] ?? null;
    const what = this.measure === "dead" ? "dead" : "changed";
    const said = value === null ? "nothing known" : `${percent(value)} ${what}`;
    say(
      this.readout,
      `${detail.layers[reply.layers[row]].path}, ${detail.label(reply.step[column])}: ${said}`
    );
  }

  #open() {
    if (this.#pointer === null || this.#reply === null) return;
    this.#show(this.#reply.layers[this.#pointer.row], this.#reply.step[this.#pointer.column]);
  }

  /** @param {number} layer @param {number | null} step null is the slider's */
  #show(layer, step) {
    if (this.#selection === null) return;
    const { detail, technique } = this.#selection;
    const { path } = detail.layers[layer];
    this.store.update({
      view: "picture",
      technique,
      layer: path,
      zoom: null,
      ...(step === null ? {} : { step }),
    });
  }
}

/** @param {string} color such as #a0b1c2 */
function channels(color) {
  return (color.match(/[0-9a-f]{2}/gi) ?? []).map((pair) => parseInt(pair, 16));
}

/**
 * @param {number} count
 * @param {number} room how many numbers there is room for
 * @returns {number} 1, 2, 5, 10, …: every so many-th is told
 */
function tickEvery(count, room) {
  let every = 1;
  for (let i = 0; count / every > Math.max(2, room); i++) every *= [2, 2.5, 2][i % 3];
  return every;
}
