/** The held-out images with the model's prediction at this epoch, filtered by right and wrong. */

import { el, fill, say, set } from "../../core/dom.js";
import { fetchSeries, thumbnailUrl } from "../../core/http_api.js";
import { Lane } from "../../core/lane.js";
import { keyAt } from "../../core/selection.js";
import { show } from "../../pixels/image_loading.js";
import { verdict } from "../../widgets/record_facts.js";

/**
 * @import { RunDetail } from "../../core/run_detail.js"
 * @import { Selection } from "../../core/selection.js"
 */

const BOX = 64;

export class ImageList {
  #lane = new Lane();
  /** Prediction, and whether it is right, of each image at the step. */
  /** @type {Map<number, {prediction: string | null, right: boolean | null}>} */
  #outcomes = new Map();
  #for = "";
  /** @type {Selection | null} */
  #selection = null;
  #show = "all";
  /** @type {Map<string, {node: HTMLElement, button: HTMLElement, frame: HTMLElement, image: HTMLImageElement, about: HTMLElement}>} */
  #items = new Map();

  /** @param {(name: string) => void} choose */
  constructor(choose) {
    this.choose = choose;
    this.list = el("ul", { class: "images" });
    this.count = el("p", { class: "muted", role: "status" });
    this.node = el("div", { class: "image-list" }, this.count, this.list);
  }

  destroy() {
    this.#lane.drop();
  }

  /** @param {Selection} selection @param {string} which all, right or wrong */
  update(selection, which) {
    this.#selection = selection;
    this.#show = which;
    const { detail, name, layer, step } = selection;
    const path = layer === null ? null : detail.layers[layer].path;
    const place = detail.places.get(step);
    const stamp = place === undefined ? "" : detail.reply.steps.v[place];
    const key = [detail.run, name, path, step, stamp].join("\n");
    this.#lane.ask(
      key,
      (signal) =>
        fetchSeries({ run: detail.run, name, layer: path, first: step, last: step }, signal),
      (reply) => {
        this.#for = key;
        this.#outcomes.clear();
        for (const series of reply.series) this.#note(detail, series, reply.classes);
        this.#draw();
      },
      () => this.#draw()
    );
    if (this.#for !== key) this.#outcomes.clear();
    this.#draw();
  }

  /**
   * @param {RunDetail} detail
   * @param {SeriesColumns} series
   * @param {{[index: string]: string}} classes
   */
  #note(detail, series, classes) {
    const image = detail.byTag.get(series.tag)?.image;
    if (image === null || image === undefined) return;
    const index = series.prediction?.[0] ?? null;
    const right = index === null || series.label === null ? null : index === series.label;
    const prediction = index === null ? null : (classes[index] ?? String(index));
    this.#outcomes.set(image, { prediction, right });
  }

  #draw() {
    if (this.#selection === null) return;
    const { detail, images, image } = this.#selection;
    const wanted = images.filter((i) => {
      const right = this.#outcomes.get(i)?.right ?? null;
      return this.#show === "all" || right === (this.#show === "right");
    });
    const wrong = images.filter((i) => this.#outcomes.get(i)?.right === false).length;
    const known = this.#outcomes.size > 0;
    say(this.count, known ? `${wrong} of ${images.length} wrong` : "");
    const nodes = wanted.map((i) => this.#item(detail, i, i === image));
    const same =
      nodes.length === this.list.children.length &&
      nodes.every((n, i) => n === this.list.children[i]);
    if (!same) fill(this.list, nodes);
    if (nodes.length === 0 && known) {
      fill(this.list, el("li", { class: "muted" }, `No image is ${this.#show} at this epoch.`));
    }
  }

  /**
   * Scrolls the list to an image, and nothing else; on small screens the list is a row.
   * @param {HTMLElement} node
   */
  #reveal(node) {
    requestAnimationFrame(() => {
      this.list.scrollLeft = node.offsetLeft - this.list.offsetLeft - BOX;
      this.node.scrollTop = node.offsetTop - this.node.offsetTop - BOX;
    });
  }

  /** @param {RunDetail} detail @param {number} place @param {boolean} chosen */
  #item(detail, place, chosen) {
    const { name, label, tag, step, v } = detail.images[place];
    const id = `${detail.run}\n${place}`;
    let item = this.#items.get(id);
    if (item === undefined) {
      const image = el("img", { alt: "", draggable: "false" });
      const frame = el("span", { class: "frame" }, image);
      const about = el("span", { class: "about" });
      const button = el(
        "button",
        { type: "button", onclick: () => this.choose(name) },
        frame,
        about
      );
      item = { node: el("li", {}, button), button, frame, image, about };
      this.#items.set(id, item);
    }
    const { series, name: callback, layer, step: now } = /** @type {Selection} */ (this.#selection);
    const own = detail.find(callback, layer, place) ?? series;
    const key =
      tag === null || step === null ? keyAt(detail, own, now) : { run: detail.run, tag, step, v };
    show(item.frame, item.image, key && thumbnailUrl(key, BOX));
    if (chosen && !item.button.hasAttribute("aria-current")) this.#reveal(item.node);
    set(item.button, { "aria-current": chosen ? "true" : null });
    const outcome = this.#outcomes.get(place);
    const text = `${name}\n${label?.name}\n${outcome?.prediction}\n${outcome?.right}`;
    if (item.button.dataset.text !== text) {
      item.button.dataset.text = text;
      fill(
        item.about,
        el("strong", {}, label?.name ?? name),
        label !== null && el("small", { class: "muted" }, name),
        outcome !== undefined && outcome.right !== null && verdict(outcome.right),
        outcome?.right === false && el("small", {}, `predicted ${outcome.prediction}`)
      );
    }
    return item.node;
  }
}
