/** The bar at the top: views, what is looked at, export, help. */

import { el, say, set } from "../core/dom.js";
import { runName } from "../core/format.js";
import { INPUT } from "../core/run_detail.js";
import { dropdown, labelledSelect, setOptions } from "./controls.js";
import { exportLinks } from "./export_links.js";

/**
 * @import { LogModel } from "../core/log_model.js"
 * @import { MeasureSelection } from "../core/selection.js"
 * @import { Store } from "../core/state.js"
 * @import { View } from "../core/view.js"
 */

export class Header {
  /** @type {MeasureSelection | null} */
  #selection = null;
  /** @type {View<any> | null} */
  #view = null;
  /** @type {Problem[]} */
  #problems = [];

  /**
   * @param {Store} store
   * @param {View<any>[]} views
   * @param {() => void} help
   */
  constructor(store, views, help) {
    this.store = store;
    this.views = views;
    this.tabs = views.map(({ id, key, label }) => {
      const onclick = () => store.update({ view: id });
      const title = `${label} (${key})`;
      return el("button", { type: "button", value: id, title, onclick }, label);
    });
    this.run = labelledSelect("Run", (run) => store.update({ run }));
    this.name = labelledSelect("Method", (name) => store.update({ name }));
    this.layer = labelledSelect("Layer", (layer) => store.update({ layer }));
    this.image = labelledSelect("Image", (image) => store.update({ image }));
    this.exports = dropdown("Export", () => {
      const series = this.#selection?.series ?? null;
      if (this.#selection === null || series === null) return [];
      return exportLinks({ ...this.#selection, series }, this.#view?.cell?.(store.state) ?? null);
    });
    this.exports.node.classList.add("exports");
    this.problems = dropdown("", () =>
      this.#problems.map(({ file, message }) => el("p", {}, message, el("small", {}, file)))
    );
    this.problems.node.classList.add("problems");
    this.status = el("span", { class: "status", role: "status" });
    this.node = el(
      "header",
      { class: "top" },
      el("nav", { class: "tabs", "aria-label": "Views" }, this.tabs),
      el(
        "div",
        { class: "pickers" },
        this.run.node,
        this.name.node,
        this.layer.node,
        this.image.node
      ),
      el(
        "div",
        { class: "tools" },
        this.status,
        this.problems.node,
        this.exports.node,
        el(
          "button",
          {
            type: "button",
            class: "icon",
            "aria-label": "Keyboard and help",
            title: "Keyboard (?)",
            onclick: help,
          },
          "?"
        )
      )
    );
  }

  /**
   * @param {View<any>} view
   * @param {MeasureSelection | null} selection
   * @param {LogModel} model
   * @param {string} run that is looked at
   */
  update(view, selection, model, run) {
    this.#selection = selection;
    this.#view = view;
    this.views.forEach((v, i) => {
      const [tab, current] = [this.tabs[i], v.id === view.id];
      if (current && !tab.hasAttribute("aria-current")) tab.scrollIntoView({ block: "nearest" });
      set(tab, { "aria-current": current ? "page" : null });
    });
    const runs = model.runs?.runs ?? [];
    this.run.node.hidden = runs.length === 0;
    const names = runs.map((r) => ({ value: r.run, label: runName(r) }));
    if (!runs.some((r) => r.run === run))
      names.unshift({ value: run, label: `${run} (not there)` });
    setOptions(this.run.select, names, run);
    this.#pick("name", view, selection, (s) => ({
      options: s.names.map((info) => ({ value: info.name, label: s.detail.titleOf(info) })),
      value: s.name,
    }));
    this.#pick("layer", view, selection, (s) => ({
      options: s.layers.every((i) => i === null)
        ? []
        : s.layers.map((i) => (i === null ? "" : s.detail.layers[i].path)).map(layerOption),
      value: s.layer === null ? "" : s.detail.layers[s.layer].path,
    }));
    this.#pick("image", view, selection, (s) => ({
      options: s.images.map((i) => {
        const { name, label } = s.detail.images[i];
        return { value: name, label: label === null ? name : `${name}: ${label.name}` };
      }),
      value: s.image === null ? "" : s.detail.images[s.image].name,
    }));
    this.exports.node.hidden = (selection?.series ?? null) === null;
    this.exports.update();
    this.#sayStatus(model, run);
  }

  /**
   * @param {"name" | "layer" | "image"} which
   * @param {View<any>} view
   * @param {MeasureSelection | null} selection
   * @param {(selection: MeasureSelection) => {options: {value: string, label: string}[], value: string}} read
   */
  #pick(which, view, selection, read) {
    const { node, select } = this[which];
    const { options, value } = selection === null ? { options: [], value: "" } : read(selection);
    node.hidden = options.length === 0 || !view.pickers.includes(which);
    if (!node.hidden) setOptions(select, options, value);
  }

  /** @param {LogModel} model @param {string} run */
  #sayStatus(model, run) {
    const summary = model.summary(run);
    const indexing = summary?.indexing;
    let text = "";
    if (model.error !== null) {
      text = "No answer, trying again";
    } else if (indexing && indexing.done < indexing.total) {
      text = `Reading the log: ${Math.floor((100 * indexing.done) / indexing.total)} %`;
    }
    say(this.status, text);
    this.status.classList.toggle("bad", model.error !== null);
    // Damaged records are counted here; all others are shown.
    const count = summary?.problems ?? 0;
    this.problems.node.hidden = count === 0;
    say(this.problems.summary, `${count} problem${count === 1 ? "" : "s"} in the log`);
    this.#problems = (run !== "" && model.detail(run).detail?.reply.problems) || [];
    this.problems.update();
  }
}

/** @param {string} path "" for the input */
const layerOption = (path) => ({ value: path, label: path === "" ? INPUT : path });
