/** The cells of a grid on a canvas, in any order, and which of them is where. */

import { el, set } from "../../core/dom.js";
import { corner } from "../../pixels/picture_values.js";

/**
 * @typedef {object} Found
 * @property {number} place of the cell in the order shown
 * @property {number} cell place in the grid as it was written
 * @property {number} x pixel within the cell
 * @property {number} y
 */

export class CellSheet {
  /** Geometry of what is shown. @type {GridGeometry | null} */
  #grid = null;
  /** Cells of the grid as it was written, in the order shown. @type {number[]} */
  #order = [];

  constructor() {
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.frame = el("div", { class: "mark", hidden: true });
    this.node = el("div", { class: "sheet" }, this.canvas, this.frame);
  }

  get width() {
    return this.canvas.width;
  }

  get height() {
    return this.canvas.height;
  }

  /**
   * @param {HTMLImageElement} picture
   * @param {GridGeometry} written the picture's own geometry
   * @param {number[]} order cells to show
   * @param {number} gap between them
   */
  draw(picture, written, order, gap) {
    const columns = Math.max(1, Math.min(written.columns, order.length));
    const rows = Math.max(1, Math.ceil(order.length / columns));
    const grid = { ...written, columns, rows, gap };
    const { cell_width: width, cell_height: height } = grid;
    this.#grid = grid;
    this.#order = order;
    this.canvas.width = gap + columns * (width + gap);
    this.canvas.height = gap + rows * (height + gap);
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    order.forEach((cell, place) => {
      const from = corner(written, cell);
      const to = corner(grid, place);
      context.drawImage(picture, from.x, from.y, width, height, to.x, to.y, width, height);
    });
  }

  /**
   * @param {{x: number, y: number}} point in fractions of the sheet
   * @returns {Found | null} null between the cells
   */
  find(point) {
    if (this.#grid === null) return null;
    const { gap, columns, cell_width, cell_height } = this.#grid;
    const px = Math.floor(point.x * this.width) - gap;
    const py = Math.floor(point.y * this.height) - gap;
    const [pitchX, pitchY] = [cell_width + gap, cell_height + gap];
    const [column, row] = [Math.floor(px / pitchX), Math.floor(py / pitchY)];
    const [x, y] = [px - column * pitchX, py - row * pitchY];
    const place = row * columns + column;
    const inside = px >= 0 && py >= 0 && column < columns && x < cell_width && y < cell_height;
    return inside && place < this.#order.length ? { place, cell: this.#order[place], x, y } : null;
  }

  /** @param {number | null} cell to put a frame around, by its place in the grid as written */
  markCell(cell) {
    const place = cell === null ? -1 : this.#order.indexOf(cell);
    this.frame.hidden = place < 0 || this.#grid === null;
    if (place < 0 || this.#grid === null) return;
    const { x, y } = corner(this.#grid, place);
    set(this.frame, {
      style: {
        left: `${(100 * x) / this.width}%`,
        top: `${(100 * y) / this.height}%`,
        width: `${(100 * this.#grid.cell_width) / this.width}%`,
        height: `${(100 * this.#grid.cell_height) / this.height}%`,
      },
    });
  }
}
