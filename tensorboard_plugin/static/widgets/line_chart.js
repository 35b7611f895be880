/** A small line chart over the epochs. */

import { el, fill, set, svg } from "../core/dom.js";
import { number } from "../core/format.js";
import { placeOf } from "../core/run_detail.js";

const HEIGHT = 132;
const PAD = { left: 44, right: 8, top: 8, bottom: 20 };

/**
 * @typedef {object} Line
 * @property {string} name
 * @property {string} kind class that gives its colour and dash: "first", "second"
 * @property {(number | null)[]} values
 */

/**
 * @typedef {object} Plot
 * @property {string} label for screen readers
 * @property {number[]} steps
 * @property {Line[]} lines
 * @property {[number, number] | null} range of the values; null takes it from them
 * @property {number} step of the slider
 * @property {(value: number | null) => string} [format]
 */

export class LineChart {
  /** @type {Plot | null} */
  #plot = null;

  /** @param {(step: number) => void} choose */
  constructor(choose) {
    this.choose = choose;
    this.legend = el("div", { class: "legend" });
    this.picture = svg("svg", { role: "img", height: HEIGHT });
    this.node = el("figure", { class: "chart" }, this.legend, this.picture);
    this.picture.addEventListener("click", (event) => this.#click(event));
    this.observer = new ResizeObserver(() => this.#draw());
    this.observer.observe(this.node);
  }

  destroy() {
    this.observer.disconnect();
  }

  /** @param {Plot} plot */
  update(plot) {
    this.#plot = plot;
    this.#draw();
  }

  /** @param {number} place @param {number} count */
  #x(place, count) {
    const room = this.node.clientWidth - PAD.left - PAD.right;
    return PAD.left + (count > 1 ? (place / (count - 1)) * room : room / 2);
  }

  #draw() {
    const plot = this.#plot;
    const width = this.node.clientWidth;
    if (plot === null || width === 0) return;
    const { steps, lines, format = number } = plot;
    const known = lines.flatMap((l) => l.values).filter((v) => v !== null);
    const [low, high] = plot.range ?? [Math.min(0, ...known), Math.max(...known, 1e-12)];
    const y = (/** @type {number} */ v) =>
      PAD.top + (1 - (v - low) / (high - low || 1)) * (HEIGHT - PAD.top - PAD.bottom);
    const place = placeOf(steps, plot.step);
    const x = this.#x(place, steps.length);
    set(this.picture, { width, viewBox: `0 0 ${width} ${HEIGHT}`, "aria-label": plot.label });
    fill(
      this.picture,
      [low, (low + high) / 2, high]
        .map((v) => [
          svg("line", { class: "rule", x1: PAD.left, x2: width - PAD.right, y1: y(v), y2: y(v) }),
          svg("text", { x: PAD.left - 6, y: y(v) + 4, "text-anchor": "end" }, format(v)),
        ])
        .flat(),
      svg("text", { x: PAD.left, y: HEIGHT - 4 }, steps[0]),
      steps.length > 1 &&
        svg(
          "text",
          { x: width - PAD.right, y: HEIGHT - 4, "text-anchor": "end" },
          steps[steps.length - 1]
        ),
      svg("line", { class: "now", x1: x, x2: x, y1: PAD.top, y2: HEIGHT - PAD.bottom }),
      lines.map((line) =>
        svg("path", { class: `line ${line.kind}`, d: this.#path(line.values, y) })
      ),
      lines.map((line) => {
        const value = line.values[place] ?? null;
        return value === null
          ? null
          : svg("circle", { class: line.kind, cx: x, cy: y(value), r: 4 });
      })
    );
    fill(
      this.legend,
      lines.map((line) =>
        el(
          "span",
          { class: line.kind },
          el("i", { "aria-hidden": "true" }),
          `${line.name} `,
          el("b", {}, format(line.values[place] ?? null))
        )
      )
    );
  }

  /**
   * @param {(number | null)[]} values
   * @param {(value: number) => number} y
   */
  #path(values, y) {
    let path = "";
    let pen = "M";
    values.forEach((value, i) => {
      if (value === null) {
        pen = "M";
        return;
      }
      path += `${pen}${this.#x(i, values.length).toFixed(1)} ${y(value).toFixed(1)}`;
      // A single point is drawn as a dot, by the round cap of the line.
      if (pen === "M") path += "h0";
      pen = "L";
    });
    return path;
  }

  /** @param {MouseEvent} event */
  #click(event) {
    if (this.#plot === null) return;
    const { steps } = this.#plot;
    const room = this.node.clientWidth - PAD.left - PAD.right;
    const part = (event.clientX - this.picture.getBoundingClientRect().left - PAD.left) / room;
    const place = Math.round(Math.min(1, Math.max(0, part)) * (steps.length - 1));
    this.choose(steps[place]);
  }
}
