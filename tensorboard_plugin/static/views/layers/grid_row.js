/** One row of the grid of layers and epochs: a header with the slider's picture, and cells. */

import { thumbnailUrl } from "../../core/http_api.js";
import { el, fill, set } from "../../core/dom.js";
import { percent, shape, splitPath } from "../../core/format.js";
import { show } from "../../pixels/image_loading.js";
import { placeOf } from "../../core/run_detail.js";
import { keyAt } from "../../core/selection.js";

/**
 * @import { Selection } from "../../core/selection.js"
 */

/**
 * @typedef {object} Row
 * @property {number} top
 * @property {number} height
 * @property {string} group heading, or "" for a layer
 * @property {SeriesInfo | null} series
 * @property {number} layer
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
    const layer = detail.layers[row.layer];
    const { name } = splitPath(layer.path);
    this.now = el("img", { alt: "", draggable: "false", fetchpriority: "high" });
    this.frame = el("div", { class: "frame now", "data-now": "" }, this.now);
    this.dead = el("span", { class: "dead" });
    this.header = el(
      "div",
      { class: "names", role: "rowheader", "aria-colindex": "1" },
      this.frame,
      el(
        "div",
        { class: "about" },
        el("strong", { title: layer.path }, name),
        el("span", { class: "muted" }, layer.class_name),
        el("span", { class: "muted" }, shape(layer.shape)),
        this.dead
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
    const path = detail.layers[row.layer].path;
    const here = row.layer === selection.layer;
    this.node.classList.toggle("chosen", here);
    const now = keyAt(detail, series, step);
    if (this.frame && this.now) {
      this.frame.dataset.step = String(step);
      this.frame.dataset.layer = String(row.layer);
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
        "data-layer": row.layer,
        tabindex: here && current ? "0" : "-1",
      });
      const url = exists ? thumbnailUrl(detail.key(series, steps[i]), box) : null;
      if (load || url === null || cell.image.getAttribute("src") === url) {
        show(cell.node, cell.image, url);
      }
    }
  }

  /** @param {number | null} fraction of dead channels */
  showDead(fraction) {
    if (!this.dead) return;
    const known = fraction !== null;
    if (!known) {
      fill(this.dead);
    } else if (this.dead.dataset.value !== String(fraction)) {
      const meter = el("i", { style: { "--part": String(fraction) }, "aria-hidden": "true" });
      fill(this.dead, meter, fraction === 0 ? "none dead" : `${percent(fraction)} dead`);
    }
    this.dead.dataset.value = known ? String(fraction) : "";
  }

  clear() {
    for (const { image } of this.#cells.values()) image.removeAttribute("src");
    this.now?.removeAttribute("src");
  }
}
