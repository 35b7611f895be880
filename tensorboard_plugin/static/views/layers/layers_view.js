/**
 * Layers by epochs: a row for each layer, a column for each epoch.
 *
 * All pictures of one method, small. Rows are layers in network order, grouped by nested model;
 * columns are captures. The first column repeats the slider's epoch, with the layer's class, its
 * shape and its measures, such as the fraction of dead channels. Maps of the model's input are in
 * a row "Input". A click opens the picture. S, M and L set the size.
 */

import { el, say, set } from "../../core/dom.js";
import { splitPath } from "../../core/format.js";
import { choice } from "../../core/parameters.js";
import { INPUT } from "../../core/run_detail.js";
import { segmented } from "../../widgets/controls.js";
import { openSeries } from "../open_series.js";
import { GridRow } from "./grid_row.js";
import { RowNumbers } from "./row_numbers.js";

/**
 * @import { Selection } from "../../core/selection.js"
 * @import { Context, Mounted, View, ViewState } from "../../core/view.js"
 * @import { Row } from "./grid_row.js"
 */

/** @type {{[size: string]: number}} */
const BOXES = { small: 56, medium: 104, large: 184 };
const GAP = 6;
const HEAD = 34;
const GROUP = 30;
const NAMES = 178;
const NARROW = 720;
const CAPTION = 24;
/** Number of rows and columns beyond the edge that are in the page, too. */
const SPARE = 2;
/** While the page is scrolled faster than this, no pictures are requested. */
const SETTLE_MS = 70;
const FAST_PX = 900;

const PARAMETERS = {
  /** Size of the pictures. */
  size: choice(["medium", "small", "large"]),
};

/** @typedef {ViewState<typeof PARAMETERS>} State */

/** @type {View<typeof PARAMETERS>} */
export const layersView = {
  id: "layers",
  label: "Layers",
  key: "1",
  style: new URL("./layers.css", import.meta.url),
  parameters: PARAMETERS,
  missing: "This run has no pictures of layers yet.",
  accepts: (series) => series.layer !== null || series.kind === "evidence",
  pickers: ["name", "image"],
  mount: (context) => new LayersGrid(context),
};

/** @implements {Mounted<typeof PARAMETERS>} */
class LayersGrid {
  /** @type {Selection | null} */
  #selection = null;
  #box = BOXES.medium;
  #narrow = false;
  /** @type {Row[]} */
  #rows = [];
  #layout = "";
  #scrolledTo = "";
  /** @type {Map<string, GridRow>} */
  #shown = new Map();
  /** @type {Map<number, HTMLElement>} */
  #heads = new Map();
  #numbers = new RowNumbers(() => this.#schedule());
  #frame = 0;
  #lastScroll = { x: 0, y: 0 };
  /** @type {number | undefined} */
  #settle;

  /** @param {Context} context */
  constructor(context) {
    this.store = context.store;
    this.corner = el("div", { class: "corner", role: "columnheader", "aria-colindex": "1" });
    this.head = el("div", { class: "grid-head", role: "row", "aria-rowindex": "1" }, this.corner);
    this.space = el("div", { class: "grid-space", role: "presentation" }, this.head);
    this.scroller = el(
      "div",
      { class: "scroller", role: "grid", "aria-label": "Layers by epochs", tabindex: "0" },
      this.space
    );
    this.sizes = segmented(
      "Size of the pictures",
      [
        { value: "small", label: "S", title: "Small" },
        { value: "medium", label: "M", title: "Medium" },
        { value: "large", label: "L", title: "Large" },
      ],
      (size) => this.store.update({ size })
    );
    this.summary = el("p", { class: "summary" });
    this.node = el(
      "section",
      { class: "view layers", "aria-label": "Layers by epochs" },
      el("div", { class: "viewbar" }, this.summary, el("span", { class: "push" }), this.sizes.node),
      this.scroller
    );
    this.scroller.addEventListener("scroll", () => this.#schedule(), { passive: true });
    this.scroller.addEventListener("click", (event) => this.#open(event));
    this.scroller.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#open(event);
    });
    this.observer = new ResizeObserver(() => this.#resized());
    this.observer.observe(this.scroller);
  }

  destroy() {
    this.observer.disconnect();
    this.#numbers.destroy();
    cancelAnimationFrame(this.#frame);
    window.clearTimeout(this.#settle);
  }

  /** @param {Selection} selection @param {State} state */
  update(selection, state) {
    this.#selection = selection;
    this.#box = BOXES[state.size];
    this.sizes.set(state.size);
    const { detail, layers, steps } = selection;
    const epochs = `${steps.length} ${detail.unit}${steps.length === 1 ? "" : "s"}`;
    const count = layers.filter((layer) => layer !== null).length;
    const rows = count === 0 ? INPUT : `${count} layer${count === 1 ? "" : "s"}`;
    say(this.summary, `${rows} × ${epochs}`);
    this.#lay();
    this.#render();
    const target = `${selection.step} ${selection.layer} ${this.#layout} ${selection.following}`;
    if (target !== this.#scrolledTo) {
      this.#scrolledTo = target;
      this.#reveal();
    }
    this.#numbers.update(selection);
  }

  #resized() {
    if (this.#selection === null || this.scroller.clientWidth === 0) return;
    this.#lay();
    this.#render();
  }

  get #header() {
    return this.#box + 2 * GAP + (this.#narrow ? 0 : NAMES);
  }

  get #column() {
    return this.#box + GAP;
  }

  /** Computes the position of each row. */
  #lay() {
    const { detail, name, layers, image, steps } = /** @type {Selection} */ (this.#selection);
    this.#narrow = this.scroller.clientWidth < NARROW;
    this.#rows = [];
    let top = HEAD;
    let group = "";
    for (const layer of layers) {
      const here = layer === null ? "" : splitPath(detail.layers[layer].path).group;
      if (here !== group && here !== "") {
        this.#rows.push({ top, height: GROUP, group: here, series: null, layer });
        top += GROUP;
      }
      group = here;
      const height = this.#box + 2 * GAP + (this.#narrow ? CAPTION : 0);
      const series = detail.find(name, layer, image);
      this.#rows.push({ top, height, group: "", series, layer });
      top += height;
    }
    const width = this.#header + steps.length * this.#column + GAP;
    const layout = `${detail.run}\n${name}\n${image}\n${this.#box}\n${this.#narrow}`;
    if (layout !== this.#layout) {
      this.#layout = layout;
      for (const row of this.#shown.values()) row.node.remove();
      this.#shown.clear();
      for (const node of this.#heads.values()) node.remove();
      this.#heads.clear();
      this.scroller.style.setProperty("--box", `${this.#box}px`);
      this.scroller.style.setProperty("--header", `${this.#header}px`);
      this.scroller.style.setProperty("--head", `${HEAD}px`);
      this.scroller.classList.toggle("narrow", this.#narrow);
    }
    this.space.style.width = `${width}px`;
    this.space.style.height = `${top}px`;
    set(this.scroller, {
      "aria-rowcount": this.#rows.length + 1,
      "aria-colcount": steps.length + 1,
    });
  }

  #schedule() {
    if (this.#selection === null) return;
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#render());
  }

  /** Adds to the page what is on screen, and removes the rest. */
  #render() {
    const selection = /** @type {Selection} */ (this.#selection);
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.scroller;
    const { steps } = selection;
    const first = Math.max(0, Math.floor(scrollLeft / this.#column) - SPARE);
    const shown = Math.ceil((clientWidth - this.#header) / this.#column);
    const last = Math.min(steps.length - 1, Math.floor(scrollLeft / this.#column) + shown + SPARE);
    const spare = SPARE * this.#column;
    const rows = this.#rows.filter(
      (row) =>
        row.top + row.height > scrollTop - spare && row.top < scrollTop + clientHeight + spare
    );
    const moved = Math.hypot(scrollLeft - this.#lastScroll.x, scrollTop - this.#lastScroll.y);
    this.#lastScroll = { x: scrollLeft, y: scrollTop };
    const load = moved < FAST_PX;

    this.#renderHead(selection, first, last);
    const wanted = new Set();
    for (const row of rows) {
      const id = row.series === null ? `group ${row.layer}` : `layer ${row.layer}`;
      wanted.add(id);
      let line = this.#shown.get(id);
      if (line === undefined) {
        line = new GridRow(selection, row);
        this.#shown.set(id, line);
        this.space.append(line.node);
      }
      line.place(row, this.#rows.indexOf(row));
      if (row.series !== null) {
        line.render(selection, row, {
          first,
          last,
          load,
          box: this.#box,
          left: this.#header,
          pitch: this.#column,
        });
        line.showNumbers(this.#numbers.of(selection, row.layer));
      }
    }
    for (const [id, line] of this.#shown) {
      if (wanted.has(id)) continue;
      line.node.remove();
      line.clear();
      this.#shown.delete(id);
    }
    window.clearTimeout(this.#settle);
    if (!load) this.#settle = window.setTimeout(() => this.#render(), SETTLE_MS);
  }

  /** @param {Selection} selection @param {number} first @param {number} last */
  #renderHead({ detail, steps, place, step }, first, last) {
    say(this.corner, detail.label(step));
    for (const [column, node] of this.#heads) {
      if (column >= first && column <= last) continue;
      node.remove();
      this.#heads.delete(column);
    }
    for (let column = first; column <= last; column++) {
      let node = this.#heads.get(column);
      if (node === undefined) {
        node = el("div", { class: "column", role: "columnheader", "aria-colindex": column + 2 });
        node.style.left = `${this.#header + column * this.#column}px`;
        this.#heads.set(column, node);
        this.head.append(node);
      }
      node.dataset.step = String(steps[column]);
      say(node, String(steps[column]));
      node.classList.toggle("current", column === place);
    }
  }

  /** Scrolls to the slider's column and the chosen row, no further than needed. */
  #reveal() {
    const { place, layer, steps, following } = /** @type {Selection} */ (this.#selection);
    const { scroller } = this;
    const left = place * this.#column;
    const room = scroller.clientWidth - this.#header;
    if (following && place === steps.length - 1) {
      scroller.scrollLeft = scroller.scrollWidth;
    } else if (left < scroller.scrollLeft) {
      scroller.scrollLeft = left - GAP;
    } else if (left + this.#column > scroller.scrollLeft + room) {
      scroller.scrollLeft = left + this.#column - room + GAP;
    }
    const row = this.#rows.find((r) => r.layer === layer && r.series !== null);
    if (row !== undefined && this.store.state.layer !== "") {
      if (row.top - HEAD < scroller.scrollTop) {
        scroller.scrollTop = row.top - HEAD;
      } else if (row.top + row.height > scroller.scrollTop + scroller.clientHeight) {
        scroller.scrollTop = row.top + row.height - scroller.clientHeight;
      }
    }
    this.#render();
    if (scroller.contains(document.activeElement) && document.activeElement !== scroller) {
      /** @type {HTMLElement | null} */ (scroller.querySelector("[tabindex='0']"))?.focus();
    }
  }

  /** @param {Event} event */
  #open(event) {
    const target = /** @type {HTMLElement} */ (event.target).closest("[data-step]");
    if (!(target instanceof HTMLElement) || this.#selection === null) return;
    const step = Number(target.dataset.step);
    if (target.dataset.layer === undefined) {
      this.store.update({ step });
      return;
    }
    const { detail, name, image } = this.#selection;
    const layer = target.dataset.layer === "" ? null : Number(target.dataset.layer);
    const series = detail.find(name, layer, image);
    // A click on the slider's own picture keeps following.
    const isNow = target.dataset.now !== undefined;
    if (series !== null) openSeries(this.store, detail, series, isNow ? null : step);
  }
}
