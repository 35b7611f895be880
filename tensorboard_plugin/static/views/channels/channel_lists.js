/** The list beside the channels, and the numbers of the channel that is open. */

import { el } from "../../core/dom.js";
import { number } from "../../core/format.js";
import { isDead, responses, statisticsOf } from "../../pixels/picture_values.js";

/** @import { Line } from "../../widgets/line_chart.js" */

/**
 * A button for each cell, with a bar as long as its response.
 * @param {PictureRecord} record
 * @param {number[]} order cells to list, by their place in the grid
 * @param {{open: (item: number) => void, mark: (cell: number | null) => void}} actions
 * @returns {HTMLElement[]} list items
 */
export function cellButtons(record, order, { open, mark }) {
  const response = responses(record);
  const largest = Math.max(1e-12, ...response.map((v) => Math.abs(v ?? 0)));
  const items = record.grid?.items ?? [];
  return order.map((cell) => {
    const value = response[cell] ?? null;
    const bar = { "--part": String(Math.abs(value ?? 0) / largest) };
    const button = el(
      "button",
      {
        type: "button",
        onclick: () => open(items[cell]),
        onpointerenter: () => mark(cell),
        onfocus: () => mark(cell),
        onpointerleave: () => mark(null),
        onblur: () => mark(null),
      },
      el("b", {}, items[cell]),
      el("i", { "aria-hidden": "true", style: bar }),
      el("span", {}, isDead(record, cell) ? "dead" : number(value))
    );
    return el("li", {}, button);
  });
}

/**
 * The numbers of one cell.
 * @param {PictureRecord} record
 * @param {number} cell place in the grid
 * @returns {HTMLElement[]}
 */
export function cellFacts(record, cell) {
  const rows = statisticsOf(record, cell).map(([name, value]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value))
  );
  const dead = el("p", { class: "verdict wrong" }, "✗ dead: zero everywhere on this image");
  return [...(isDead(record, cell) ? [dead] : []), el("dl", {}, rows)];
}

/**
 * One cell's numbers over the steps, as lines of a chart.
 * @param {ChannelReply} history
 * @returns {Line[]}
 */
export function historyLines({ maximum, mean, start }) {
  const second = mean === null ? { name: "start", values: start } : { name: "mean", values: mean };
  /** @type {Line[]} */
  const lines = [
    { name: "maximum", kind: "first", values: maximum ?? [] },
    { name: second.name, kind: "second", values: second.values ?? [] },
  ];
  return lines.filter(({ values }) => values.length > 0);
}
