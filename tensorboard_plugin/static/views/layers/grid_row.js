/** One row of the grid of layers and epochs: a header with the slider's picture, and cells. */

import { el, fill, set } from "../../core/dom.js";
import { shape, splitPath } from "../../core/format.js";
import { thumbnailUrl } from "../../core/http_api.js";
import { meaningOf } from "../../core/measures.js";
import { INPUT, placeOf } from "../../core/run_detail.js";
import { keyAt } from "../../core/selection.js";
import { show } from "../../pixels/image_loading.js";

/**
 * @import { Selection } from "../../core/selection.js"
 * @import { Numbers } from "./row_numbers.js"
 */

/**
 * @typedef {object} Row
 * @property {number} top
 * @property {number} height
 * @property {string} group heading, or "" for a layer
 * @property {SeriesInfo | null} series
 * @property {number | null} layer null is the input
 */

/**
 * The columns that are on screen.
 * @typedef {object} Columns
 * @property {number} first
 * @property {number} last
 * @property {number} box pixels of a picture
 * @property {number} left where the first column of all begins
 * @property {number} pitch from one column to the next
 * @property {boolean} load whether new pictures are asked for now
 */

export class GridRow {
  /** @type {Map<number, {node: HTMLElement, image: HTMLImageElement}>} */
  #cells = new Map();

  /** @param {Selection} selection @param {Row} row */
  constructor({ detail }, row) {
    if (row.series === null) {
      this.header = el("div", { class: "group", role: "rowheader" }, row.group);
      this.node = el("div", { class: "grid-row heading", role: "row" }, this.header);
      return;
    }
    const layer = row.layer === null ? null : detail.layers[row.layer];
    const path = layer?.path ?? INPUT;
    this.now = el("img", { alt: "", draggable: "false", fetchpriority: "high" });
    this.frame = el("div", { class: "frame now", "data-now": "" }, this.now);
    this.numbers = el("span", { class: "numbers" });
    this.header = el(
      "div",
      { class: "names", role: "rowheader", "aria-colindex": "1" },
      this.frame,
      el(
        "div",
        { class: "about" },
        el("strong", { title: path }, splitPath(path).name),
        layer && el("span", { class: "muted" }, layer.class_name),
        layer && el("span", { class: "muted" }, shape(layer.shape)),
        this.numbers
      )
    );
    this.node = el("div", { class: "grid-row", role: "row" }, this.header);
  }

  /** @param {Row} row @param {number} index */
  place(row, index) {
    this.node.style.top = `${row.top}px`;
    this.node.style.height = `${row.height}px`;
    set(this.node, { "aria-rowindex": index + 2 });
  }

  /**
   * @param {Selection} selection
   * @param {Row} row
   * @param {Columns} columns
   */
  render(selection, row, { first, last, box, left, pitch, load }) {
    const { detail, steps, place, step } = selection;
    const series = /** @type {SeriesInfo} */ (row.series);
    const path = detail.subjectOf(series);
    const here = row.layer === selection.layer;
    this.node.classList.toggle("chosen", here);
    const now = keyAt(detail, series, step);
    if (this.frame && this.now) {
      this.frame.dataset.step = String(step);
      this.frame.dataset.layer = String(row.layer ?? "");
      show(this.frame, this.now, now && thumbnailUrl(now, box));
    }
    for (const [i, cell] of this.#cells) {
      if (i >= first && i <= last) continue;
      cell.image.removeAttribute("src");
      cell.node.remove();
      this.#cells.delete(i);
    }
    const own = detail.steps(series);
    for (let i = first; i <= last; i++) {
      let cell = this.#cells.get(i);
      if (cell === undefined) {
        const image = el("img", { alt: "", draggable: "false" });
        const node = el(
          "div",
          { class: "frame cell", role: "gridcell", "aria-colindex": i + 2 },
          image
        );
        node.style.left = `${left + i * pitch}px`;
        cell = { node, image };
        this.#cells.set(i, cell);
        this.node.append(node);
      }
      const at = placeOf(own, steps[i]);
      const exists = at >= 0 && own[at] === steps[i];
      const current = i === place;
      cell.node.classList.toggle("current", current);
      cell.node.classList.toggle("none", !exists);
      set(cell.node, {
        "aria-label": `${path}, ${detail.label(steps[i])}${exists ? "" : ": no picture"}`,
        "data-step": exists ? steps[i] : null,
        "data-layer": row.layer ?? "",
        tabindex: here && current ? "0" : "-1",
      });
      const url = exists ? thumbnailUrl(detail.key(series, steps[i]), box) : null;
      if (load || url === null || cell.image.getAttribute("src") === url) {
        show(cell.node, cell.image, url);
      }
    }
  }

  /** @param {Numbers} numbers of the layer; those that don't fit are in the tooltip */
  showNumbers(numbers) {
    if (!this.numbers) return;
    const key = JSON.stringify(numbers);
    if (this.numbers.dataset.key === key) return;
    this.numbers.dataset.key = key;
    const lines = numbers.map(([measure, value]) => {
      const { range, inWords } = meaningOf(measure);
      const part = range === null ? null : (value - range[0]) / (range[1] - range[0]);
      const style = { "--part": String(part) };
      return el(
        "span",
        {},
        part !== null && el("i", { style, "aria-hidden": "true" }),
        inWords(value)
      );
    });
    fill(this.numbers, lines);
    set(this.numbers, { title: lines.map((line) => line.textContent).join("\n") || null });
  }

  clear() {
    for (const { image } of this.#cells.values()) image.removeAttribute("src");
    this.now?.removeAttribute("src");
  }
}
