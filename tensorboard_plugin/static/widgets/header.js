/** The bar at the top: views, what is looked at, export, help. */

import { dropdown, el, labelledSelect, say, set, setOptions } from "../core/dom.js";
import { exportLinks } from "./export_links.js";
import { runName, techniqueName } from "../core/format.js";
import { VIEWS } from "../views/index.js";

export class Header {
  /** @param {import("../core/state.js").Store} store @param {() => void} help */
  constructor(store, help) {
    this.store = store;
    this.tabs = VIEWS.map((view) =>
      el("button", { type: "button", onclick: () => store.update({ view: view.id }) }, view.label)
    );
    this.run = labelledSelect("Run", (run) => store.update({ run }));
    this.technique = labelledSelect("Technique", (technique) => store.update({ technique }));
    this.layer = labelledSelect("Layer", (layer) => store.update({ layer, item: null }));
    this.image = labelledSelect("Image", (image) => store.update({ image }));
    this.exports = dropdown("Export", () =>
      this.selection === null ? [] : exportLinks(this.selection, store.state)
    );
    this.exports.node.classList.add("exports");
    /** @type {Problem[]} */
    this.problemList = [];
    this.problems = dropdown("", () =>
      this.problemList.map(({ file, message }) => el("p", {}, message, el("small", {}, file)))
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
        this.technique.node,
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
    /** @type {import("../core/selection.js").Selection | null} */
    this.selection = null;
  }

  /**
   * @param {import("../views/index.js").View} view
   * @param {import("../core/selection.js").Selection | null} selection
   * @param {import("../core/log_model.js").Model} model
   * @param {string} run that is looked at
   */
  update(view, selection, model, run) {
    this.selection = selection;
    VIEWS.forEach((v, i) => {
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
    this.#pick("technique", view, selection, (s) => ({
      options: s.techniques.map((t) => ({ value: t, label: techniqueName(t) })),
      value: s.technique,
    }));
    this.#pick("layer", view, selection, (s) => ({
      options: s.layers.map((i) => {
        const { path } = s.detail.layers[i];
        return { value: path, label: path };
      }),
      value: s.layer === null ? "" : s.detail.layers[s.layer].path,
    }));
    this.#pick("image", view, selection, (s) => ({
      options: s.images.map((i) => {
        const { name, label } = s.detail.images[i];
        return { value: name, label: label === null ? name : `${name}: ${label.name}` };
      }),
      value: s.image === null ? "" : s.detail.images[s.image].name,
    }));
    this.exports.node.hidden = selection === null;
    this.exports.update();
    this.#sayStatus(model, run);
  }

  /**
   * @param {"technique" | "layer" | "image"} which
   * @param {import("../views/index.js").View} view
   * @param {import("../core/selection.js").Selection | null} selection
   * @param {(selection: import("../core/selection.js").Selection) => {options: {value: string, label: string}[], value: string}} read
   */
  #pick(which, view, selection, read) {
    const { node, select } = this[which];
    const { options, value } = selection === null ? { options: [], value: "" } : read(selection);
    node.hidden = options.length === 0 || !view.pickers.includes(which);
    if (!node.hidden) setOptions(select, options, value);
  }

  /** @param {import("../core/log_model.js").Model} model @param {string} run */
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
    // What is damaged is said, and what is whole is shown all the same.
    const count = summary?.problems ?? 0;
    this.problems.node.hidden = count === 0;
    say(this.problems.summary, `${count} problem${count === 1 ? "" : "s"} in the log`);
    this.problemList = (run !== "" && model.detail(run).detail?.reply.problems) || [];
    this.problems.update();
  }
}
