/** Label, prediction and probabilities of an image. */

import { el } from "../../core/dom.js";
import { percent } from "../../core/format.js";
import { verdict } from "../../widgets/record_facts.js";

/**
 * @import { Child } from "../../core/dom.js"
 * @import { Line } from "../../widgets/line_chart.js"
 */

/**
 * @param {RecordReply} reply
 * @returns {Child[]}
 */
export function outcomeOf({ record }) {
  if (record === null) {
    return [el("p", { class: "error" }, "The record of this picture is damaged.")];
  }
  const { label, prediction, target } = record;
  const blank = "No evidence for this class was found: the map is zero everywhere.";
  return [
    label !== null && prediction !== null && verdict(label.index === prediction.index),
    el(
      "dl",
      {},
      score("Label", label),
      score("Prediction", prediction),
      score("Explained", target)
    ),
    record.blank && el("p", { class: "note" }, blank),
    record.note !== null && el("p", { class: "note" }, record.note),
  ];
}

/** @param {string} term @param {ClassScore | null} score */
function score(term, score) {
  if (score === null) return null;
  const probability = score.probability === null ? "" : ` ${percent(score.probability)}`;
  return el("div", {}, el("dt", {}, term), el("dd", {}, el("b", {}, score.name), probability));
}

/**
 * @param {SeriesColumns} columns
 * @returns {Line[]} those of which something is known
 */
export function probabilityLines({ label_probability, prediction_probability }) {
  /** @type {Line[]} */
  const lines = [
    { name: "predicted", kind: "second", values: prediction_probability ?? [] },
    { name: "true class", kind: "first", values: label_probability ?? [] },
  ];
  return lines.filter((line) => line.values.length > 0);
}
