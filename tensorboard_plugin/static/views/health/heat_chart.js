/** One number for each layer and epoch, as a heat chart. */

import { el, fill, say, set } from "../../core/dom.js";
import { fetchHealth } from "../../core/http_api.js";
import { Lane } from "../../core/lane.js";
import { placeOf } from "../../core/run_detail.js";
import { openSeries } from "../open_series.js";

/**
 * @import { Meaning } from "../../core/measures.js"
 * @import { MeasureSelection } from "../../core/selection.js"
 * @import { Store } from "../../core/state.js"
 */

/** If there are more steps than this, only every n-th is shown. */
const COLUMNS = 500;
/** Width of a number on the axis, in pixels. */
const TICK_ROOM = 48;
const PENDING_MS = 250;

/**
 * @typedef {object} Shown what the chart shows
 * @property {string} measure
 * @property {string} name of the callback
 * @property {string | null} image
 * @property {Meaning} meaning of the measure
 */

export class HeatChart {
  #lane = new Lane();
  /** @type {HealthReply | null} */
  #reply = null;
  #for = "";
  #round = 0;
  /** @type {number | undefined} */
  #timer;
  /** @type {MeasureSelection | null} */
  #selection = null;
  /** @type {{row: number, column: number} | null} */
  #pointer = null;

  /** @type {Shown | null} */
  #shown = null;

  /**
   * @param {Store} store
   * @param {string} kind class that gives the colours
   * @param {HTMLElement | null} tools beside the title
   */
  constructor(store, kind, tools) {
    this.store = store;
    this.canvas = el("canvas", { role: "img" });
    this.cursor = el("div", { class: "cursor" });
    this.names = el("div", { class: "row-names" });
    this.axis = el("div", { class: "axis", "aria-hidden": "true" });
    this.readout = el("p", { class: "readout", role: "status" });
    this.state = el("p", { class: "muted", role: "status" });
    this.title = el("h2", {});
    this.about = el("p", { class: "muted" });
    this.low = el("span", {}, "0");
    this.high = el("span", {});
    this.plot = el("div", { class: "plot" }, this.canvas, this.cursor);
    this.node = el(
      "section",
      { class: `heat ${kind}` },
      el(
        "div",
        { class: "heat-head" },
        el("div", {}, el("div", { class: "heat-title" }, this.title, tools), this.about),
        el(
          "div",
          { class: "key" },
          el("div", { class: "scale" }),
          el("div", { class: "ends" }, this.low, this.high)
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

  /** @param {MeasureSelection} selection @param {Shown} shown */
  update(selection, shown) {
    this.#selection = selection;
    this.#shown = shown;
    const { detail, steps } = selection;
    const { measure, name, image, meaning } = shown;
    say(this.title, meaning.title);
    say(this.about, meaning.about);
    set(this.node, { "aria-label": meaning.title });
    this.node.classList.toggle("fault", meaning.isFault);
    set(this.canvas, { "aria-label": meaning.title });
    const series = [detail.run, measure, name, image].join("\n");
    if (series !== this.#for) {
      this.#for = series;
      this.#reply = null;
      say(this.state, "Loading…");
    }
    const every = Math.max(1, Math.ceil(steps.length / COLUMNS));
    const query = { run: detail.run, measure, name, image, every };
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
        if (this.#selection !== null && this.#shown !== null) {
          this.update(this.#selection, this.#shown);
        }
      }, PENDING_MS);
    } else {
      say(
        this.state,
        known ? "" : "Nothing is known of this for this method. Choose another one above."
      );
    }
    this.draw();
  }

  draw() {
    const reply = this.#reply;
    this.plot.parentElement?.parentElement?.toggleAttribute("hidden", reply === null);
    if (reply === null || this.#selection === null || this.#shown === null) return;
    const { detail } = this.#selection;
    const { meaning } = this.#shown;
    const [columns, rows] = [Math.max(1, reply.step.length), Math.max(1, reply.layers.length)];
    const [low, high] = meaning.range ?? rangeOf(reply.values);
    say(this.low, low === 0 ? "0" : meaning.write(low));
    say(this.high, meaning.write(high));
    this.canvas.width = columns;
    this.canvas.height = rows;
    this.node.style.setProperty("--rows", String(rows));
    const style = getComputedStyle(this.node);
    const [first, last] = ["--low", "--high"].map((name) => rgb(style.getPropertyValue(name)));
    const pixels = new ImageData(columns, rows);
    reply.values.forEach((row, y) =>
      row.forEach((value, x) => {
        if (value === null) return;
        const part = Math.min(1, Math.max(0, (value - low) / (high - low)));
        const at = 4 * (y * columns + x);
        for (let c = 0; c < 3; c++) pixels.data[at + c] = first[c] + (last[c] - first[c]) * part;
        pixels.data[at + 3] = 255;
      })
    );
    this.canvas.getContext("2d")?.putImageData(pixels, 0, 0);
    fill(
      this.names,
      reply.layers.map((layer, row) => {
        const { path } = detail.layers[layer];
        return el(
          "button",
          { type: "button", title: path, onclick: () => this.#show(row, null) },
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

  /** Marks the slider's column. */
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

  /** Says the value under the pointer, or else that of the slider's column and the chosen row. */
  #read() {
    const [reply, selection, shown] = [this.#reply, this.#selection, this.#shown];
    if (reply === null || selection === null || shown === null || reply.step.length === 0) return;
    const { detail, layer, step } = selection;
    const row = this.#pointer?.row ?? Math.max(0, reply.layers.indexOf(layer ?? -1));
    const column = this.#pointer?.column ?? placeOf(reply.step, step);
    const value = reply.values[row]?.[column] ?? null;
    const said = value === null ? "nothing known" : shown.meaning.inWords(value);
    say(
      this.readout,
      `${detail.layers[reply.layers[row]].path}, ${detail.label(reply.step[column])}: ${said}`
    );
  }

  #open() {
    if (this.#pointer === null || this.#reply === null) return;
    this.#show(this.#pointer.row, this.#reply.step[this.#pointer.column]);
  }

  /** @param {number} row whose picture is opened, if there is one @param {number | null} step */
  #show(row, step) {
    const [reply, selection] = [this.#reply, this.#selection];
    const series = selection?.detail.byTag.get(reply?.tags[row] ?? "");
    if (selection && series) openSeries(this.store, selection.detail, series, step);
  }
}

/**
 * @param {(number | null)[][]} values
 * @returns {[number, number]} from zero or the lowest to the highest
 */
function rangeOf(values) {
  const known = values.flat().filter((value) => value !== null);
  const low = known.reduce((a, b) => Math.min(a, b), 0);
  return [low, known.reduce((a, b) => Math.max(a, b), low + 1e-9)];
}

/** @param {string} color such as #a0b1c2 */
function rgb(color) {
  return (color.match(/[0-9a-f]{2}/gi) ?? []).map((pair) => parseInt(pair, 16));
}

/**
 * @param {number} count
 * @param {number} room number of numbers that fit
 * @returns {number} 1, 2, 5, 10, …: the distance of two numbers on the axis
 */
function tickEvery(count, room) {
  let every = 1;
  for (let i = 0; count / every > Math.max(2, room); i++) every *= [2, 2.5, 2][i % 3];
  return every;
}
