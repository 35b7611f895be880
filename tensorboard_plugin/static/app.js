/** Connects state, data and views: every change leads to one update of the page. */

import { el } from "./core/dom.js";
import { followTheme, onReload, onVisibility } from "./core/host_window.js";
import { listen, withViewKeys } from "./core/keyboard.js";
import { LogModel } from "./core/log_model.js";
import { Playback } from "./core/playback.js";
import { select, selectMeasures } from "./core/selection.js";
import { gatherParameters, Store } from "./core/state.js";
import { VIEWS } from "./views/index.js";
import { Header } from "./widgets/header.js";
import { helpDialog } from "./widgets/help_dialog.js";
import { empty, emptyLog, failed, loading, reading } from "./widgets/notices.js";
import { Transport } from "./widgets/transport.js";

/**
 * @import { RunDetail } from "./core/run_detail.js"
 * @import { MeasureSelection } from "./core/selection.js"
 * @import { Mounted, View } from "./core/view.js"
 */

export class App {
  /** @type {Mounted<any> | null} */
  #mounted = null;
  #mountedId = "";
  #frame = 0;
  /** @type {MeasureSelection | null} */
  #selection = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.store = new Store(gatherParameters(VIEWS));
    this.model = new LogModel(() => this.#schedule());
    this.playback = new Playback(this.store, () => this.#schedule());
    this.help = helpDialog(VIEWS);
    this.header = new Header(this.store, VIEWS, () => this.help.showModal());
    this.transport = new Transport(this.store, this.playback);
    this.main = el("main", { class: "main" });
    root.replaceChildren(
      el("div", { class: "keras-viz" }, this.header.node, this.main, this.transport.node, this.help)
    );
  }

  start() {
    followTheme();
    this.store.subscribe(() => this.#schedule());
    onReload(() => this.model.refresh());
    onVisibility((visible) => {
      this.model.setVisible(visible);
      if (visible) this.store.mirror();
      else if (this.playback.playing) this.playback.toggle();
    });
    this.#listen();
    this.#update();
    this.model.refresh();
  }

  #schedule() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#update());
  }

  #update() {
    const { store, model } = this;
    const runs = model.runs?.runs ?? [];
    if (store.state.run === "" && runs.length > 0) {
      // Chosen once and kept: with two trainings at work the tab must not change between them.
      const fresh = runs.reduce((a, b) =>
        (b.last_wall_time ?? 0) > (a.last_wall_time ?? 0) ? b : a
      );
      if (fresh.pictures > 0 || model.runs?.indexing.done === model.runs?.indexing.total) {
        store.update({ run: fresh.run }, { push: false });
      }
    }
    const { state } = store;
    const view = VIEWS.find((v) => v.id === state.view) ?? VIEWS[0];
    const { detail, error } =
      state.run === "" ? { detail: null, error: null } : model.detail(state.run);
    const shown = model.summary(state.run) === null ? null : detail;
    const pictures = shown && select(state, shown, view.accepts);
    const measures = pictures === null && shown !== null && view.acceptsMeasures === true;
    this.#selection = measures ? selectMeasures(state, shown) : pictures;
    this.playback.update(this.#selection);
    this.header.update(view, this.#selection, model, state.run);
    this.transport.update(this.#selection);
    if (this.#selection === null) {
      this.#unmount();
      this.main.replaceChildren(this.#notice(view, shown, error));
      return;
    }
    if (this.#mounted === null || this.#mountedId !== view.id) {
      this.#unmount();
      this.#mounted = view.mount({ store, model, playback: this.playback });
      this.#mountedId = view.id;
      this.#mounted.node.dataset.view = view.id;
      this.main.replaceChildren(this.#mounted.node);
    }
    if (pictures === null) this.#mounted.updateMeasures?.(this.#selection, state);
    else this.#mounted.update(pictures, state);
  }

  #unmount() {
    this.#mounted?.destroy?.();
    this.#mounted = null;
  }

  /**
   * @param {View<any>} view
   * @param {RunDetail | null} detail
   * @param {Error | null} error
   */
  #notice(view, detail, error) {
    const { model, store } = this;
    const retry = () => model.refresh();
    if (model.runs === null) {
      if (model.error !== null) return failed("The log can't be read", model.error.message, retry);
      return loading("Loading…");
    }
    if (model.runs.indexing.done < model.runs.indexing.total && detail === null) {
      return reading(model.runs.indexing);
    }
    if (model.runs.runs.length === 0) return emptyLog(model.runs.log_directories);
    const summary = model.summary(store.state.run);
    if (summary === null) {
      return empty(
        "This run is not in the log",
        el("p", {}, `There is no run “${store.state.run}” (any more). Choose another one above.`)
      );
    }
    if (error !== null) return failed("This run can't be read", error.message, retry);
    if (detail === null) return loading("Loading the run…");
    if (summary.pictures === 0) {
      if (detail.reply.measures.length > 0) {
        const labels = VIEWS.filter((v) => v.acceptsMeasures).map((v) => `“${v.label}”`);
        return empty(
          "No pictures in this run yet",
          el("p", {}, `It has measures of layers, which are shown in ${labels.join(" and ")}.`)
        );
      }
      if (summary.problems > 0)
        return failed(
          "Nothing in this run could be read",
          detail.reply.problems.map((p) => p.message).join(" "),
          retry
        );
      return empty(
        "No pictures in this run yet",
        el(
          "p",
          {},
          "The training has started to write. The first pictures appear here by themselves, after the first epoch."
        )
      );
    }
    return empty("Nothing for this view", el("p", {}, view.missing));
  }

  /** @param {number} by */
  #moveLayer(by) {
    if (this.#selection === null) return;
    const { layers, layer, detail } = this.#selection;
    const next = layers[layers.indexOf(layer) + by] ?? null;
    if (next !== null) this.store.update({ layer: detail.layers[next].path }, { push: false });
  }

  /** @param {number} by */
  #moveImage(by) {
    if (this.#selection === null || this.#selection.image === null) return;
    const { images, image, detail } = this.#selection;
    const next = images[images.indexOf(image) + by];
    if (next !== undefined) this.store.update({ image: detail.images[next].name }, { push: false });
  }

  /** Closes what is open in the view; if nothing is, goes to the first view. */
  #back() {
    if (this.#mounted?.back?.() !== true) this.store.update({ view: VIEWS[0].id });
  }

  #listen() {
    const { transport, playback, store } = this;
    const larger = () => this.#mounted?.zoomBy?.(1.5);
    const actions = {
      ArrowLeft: () => transport.move(-1),
      ArrowRight: () => transport.move(1),
      ArrowUp: () => this.#moveLayer(-1),
      ArrowDown: () => this.#moveLayer(1),
      Home: () => transport.first(),
      End: () => transport.last(),
      "[": () => this.#moveImage(-1),
      "]": () => this.#moveImage(1),
      " ": () => playback.toggle(),
      f: () => transport.toggleFollow(),
      "+": larger,
      "=": larger,
      "-": () => this.#mounted?.zoomBy?.(1 / 1.5),
      0: () => this.#mounted?.fit?.(),
      Escape: () => this.#back(),
      "?": () => this.help.showModal(),
    };
    listen(withViewKeys(actions, VIEWS, (view) => store.update({ view })));
  }
}
