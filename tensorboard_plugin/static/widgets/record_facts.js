/** What is known of a picture, as lists beside it. */

import { el } from "../core/dom.js";
import { bytes, capital, number, percent, shape } from "../core/format.js";
import { meaningOf } from "../core/measures.js";

/**
 * @import { Child } from "../core/dom.js"
 */

/**
 * Whether the model was right, by sign, word and colour.
 * @param {boolean} right
 */
export function verdict(right) {
  return el(
    "span",
    { class: right ? "verdict right" : "verdict wrong" },
    right ? "✓ right" : "✗ wrong"
  );
}

/**
 * @param {[string, Child | Child[]][]} pairs
 */
function list(pairs) {
  return el(
    "dl",
    {},
    pairs.map(([term, value]) => el("div", {}, el("dt", {}, term), el("dd", {}, value)))
  );
}

/** @param {ClassScore} score */
function scored(score) {
  const probability = score.probability === null ? "" : ` · ${percent(score.probability)}`;
  return `${score.name}${probability}`;
}

/**
 * @param {RecordReply} reply
 * @param {{[measure: string]: number | null}} ofLayer measures of the layer at this step
 * @returns {HTMLElement[]}
 */
export function factsOf({ record, wall_time, picture }, ofLayer) {
  if (record === null) {
    return [
      el(
        "p",
        { class: "error" },
        "The record of this picture is damaged: only the picture itself is known."
      ),
    ];
  }
  const { label, prediction, target, layer, grid } = record;
  const nodes = [];
  if (label !== null && prediction !== null) {
    nodes.push(el("p", { class: "outcome" }, verdict(label.index === prediction.index)));
  }
  /** @type {[string, Child | Child[]][]} */
  const pairs = [["Method", record.title === "" ? record.name : record.title]];
  if (label !== null) pairs.push(["Label", scored(label)]);
  if (prediction !== null) pairs.push(["Prediction", scored(prediction)]);
  if (target !== null && target.index !== prediction?.index)
    pairs.push(["Explained", scored(target)]);
  if (layer !== null) pairs.push(["Layer", layer.class_name], ["Output", shape(layer.shape)]);
  if (grid !== null) {
    const all = record.channels ?? grid.items.length;
    const some = grid.items.length === all ? `${all}` : `${grid.items.length} of ${all}`;
    pairs.push([`${capital(record.item ?? "cell")}s`, some]);
  }
  for (const [measure, value] of Object.entries({ ...ofLayer, ...record.measures })) {
    const { short, write } = meaningOf(measure);
    pairs.push([short, write(value)]);
  }
  if (record.value_range !== null) {
    pairs.push(["Values", `${number(record.value_range[0])} … ${number(record.value_range[1])}`]);
  }
  if (record.scale !== null) pairs.push(["Colours per", record.scale]);
  pairs.push(["Picture", `${record.width} × ${record.height}, ${bytes(picture.bytes)}`]);
  if (record.batch > 0) pairs.push(["Batch", String(record.batch)]);
  pairs.push(["Written", new Date(wall_time * 1000).toLocaleString()]);
  nodes.push(list(pairs));
  if (record.blank)
    nodes.push(
      el(
        "p",
        { class: "note" },
        "No evidence for this class was found: the map is zero everywhere."
      )
    );
  if (record.note !== null) nodes.push(el("p", { class: "note" }, record.note));
  return nodes;
}

/**
 * The metrics that Keras logged at this step, with that of the validation beside it.
 * @param {RecordReply} reply
 * @returns {HTMLElement[]}
 */
export function metricsOf({ record }) {
  const metrics = record?.metrics ?? {};
  const names = Object.keys(metrics).filter(
    (n) => !(n.startsWith("val_") && n.slice(4) in metrics)
  );
  if (names.length === 0) return [];
  return [
    el(
      "table",
      { class: "metrics" },
      el("caption", {}, "Metrics"),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("td", {}),
          el("th", { scope: "col" }, "training"),
          el("th", { scope: "col" }, "validation")
        )
      ),
      el(
        "tbody",
        {},
        names.map((name) => {
          const own = name.startsWith("val_");
          return el(
            "tr",
            {},
            el("th", { scope: "row" }, own ? name.slice(4) : name),
            el("td", {}, own ? "" : number(metrics[name])),
            el(
              "td",
              {},
              own
                ? number(metrics[name])
                : `val_${name}` in metrics
                  ? number(metrics[`val_${name}`])
                  : ""
            )
          );
        })
      )
    ),
  ];
}
