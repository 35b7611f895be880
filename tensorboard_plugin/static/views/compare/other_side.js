/** What is compared with: another run, image or epoch, chosen by three pickers. */

import { el } from "../../core/dom.js";
import { runName } from "../../core/format.js";
import { placeOf } from "../../core/run_detail.js";
import { keyAt } from "../../core/selection.js";
import { labelledSelect, setOptions } from "../../widgets/controls.js";

/**
 * @import { PictureKey } from "../../core/http_api.js"
 * @import { LogModel } from "../../core/log_model.js"
 * @import { RunDetail } from "../../core/run_detail.js"
 * @import { Selection } from "../../core/selection.js"
 * @import { Patch } from "../../core/state.js"
 */

/**
 * One of the two pictures.
 * @typedef {object} Side
 * @property {RunDetail} detail
 * @property {SeriesInfo} series
 * @property {PictureKey} key
 */

/**
 * @typedef {object} Choice "" is the same as on the other side; null is in step with it
 * @property {string} runB
 * @property {string} imageB
 * @property {number | null} stepB
 */

export class OtherSide {
  /** @param {LogModel} model @param {(patch: Patch) => void} change */
  constructor(model, change) {
    this.model = model;
    this.run = labelledSelect("Run", (runB) => change({ runB }));
    this.image = labelledSelect("Image", (imageB) => change({ imageB }));
    this.step = labelledSelect("Epoch", (text) =>
      change({ stepB: text === "" ? null : Number(text) })
    );
    this.node = el(
      "div",
      { class: "pickers", role: "group", "aria-label": "B, what to compare with" },
      el("strong", {}, "A with B:"),
      this.run.node,
      this.image.node,
      this.step.node
    );
  }

  /**
   * Brings the pickers up to date.
   * @param {Selection} selection
   * @param {Choice} choice
   * @returns {Side | string} text says why there is nothing to compare with; "" that it is loaded
   */
  find(selection, choice) {
    const { detail: own, series: shown, layer, image, step } = selection;
    const run = choice.runB === "" ? own.run : choice.runB;
    this.#fillRuns(own, run);
    const { detail, error } =
      run === own.run ? { detail: own, error: null } : this.model.detail(run);
    if (error !== null) return error.message;
    if (detail === null) {
      return this.model.summary(run) === null ? `There is no run “${run}” (any more).` : "";
    }
    const path = layer === null ? null : own.layers[layer].path;
    const place = path === null ? null : detail.layers.findIndex((l) => l.path === path);
    const there = detail.reply.series.filter((s) => s.name === shown.name && s.layer === place);
    const names = there.flatMap((s) => (s.image === null ? [] : [detail.images[s.image].name]));
    const ownName = image === null ? "" : own.images[image].name;
    const name = choice.imageB === "" ? ownName : choice.imageB;
    this.#fillImages(names, ownName, choice.imageB);
    const series = there.find((s) =>
      s.image === null ? ownName === "" : detail.images[s.image].name === name
    );
    if (series === undefined) {
      return `The other run has no picture of ${path ?? name} by this method.`;
    }
    const differs = run !== own.run || name !== ownName;
    const steps = detail.steps(series);
    this.#fillSteps(steps, differs, choice.stepB);
    // If the run and the image are the same, the first epoch is compared with.
    const key = keyAt(detail, series, choice.stepB ?? (differs ? step : steps[0]));
    return key === null ? "The other run has no picture of it yet." : { detail, series, key };
  }

  /** @param {RunDetail} own @param {string} run */
  #fillRuns(own, run) {
    const runs = this.model.runs?.runs ?? [];
    const others = runs.filter((r) => r.run !== own.run);
    this.run.node.hidden = runs.length < 2;
    setOptions(
      this.run.select,
      [SAME, ...others.map((r) => ({ value: r.run, label: runName(r) }))],
      run === own.run ? "" : run
    );
  }

  /** @param {string[]} names @param {string} own @param {string} chosen */
  #fillImages(names, own, chosen) {
    const others = names.filter((name) => name !== own);
    this.image.node.hidden = names.length < 2;
    setOptions(
      this.image.select,
      [SAME, ...others.map((name) => ({ value: name, label: name }))],
      chosen === own ? "" : chosen
    );
  }

  /** @param {number[]} steps @param {boolean} differs @param {number | null} chosen */
  #fillSteps(steps, differs, chosen) {
    const usual = { value: "", label: differs ? "in step with A" : `the first (${steps[0]})` };
    setOptions(
      this.step.select,
      [usual, ...steps.map((step) => ({ value: String(step), label: String(step) }))],
      chosen === null ? "" : String(steps[placeOf(steps, chosen)])
    );
  }
}

const SAME = { value: "", label: "the same" };
