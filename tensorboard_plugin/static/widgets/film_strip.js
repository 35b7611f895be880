/** A row of small pictures, one for each epoch; only those on screen are in the page. */

import { el, say, set } from "../core/dom.js";
import { show } from "../pixels/image_loading.js";

const BOX = 72;
const COLUMN = BOX + 8;
const SPARE = 3;

/**
 * @typedef {object} Film
 * @property {string} key another film starts over
 * @property {number[]} steps
 * @property {number} step of the slider
 * @property {(step: number) => string} url
 * @property {(step: number) => string} label
 */

export class FilmStrip {
  /** @type {Film | null} */
  #film = null;
  /** @type {Map<number, {node: HTMLElement, frame: HTMLElement, image: HTMLImageElement, name: HTMLElement}>} */
  #cells = new Map();
  #frame = 0;

  /** @param {string} label @param {(step: number) => void} choose */
  constructor(label, choose) {
    this.choose = choose;
    this.space = el("div", { class: "film" });
    this.node = el("div", { class: "strip", role: "group", "aria-label": label }, this.space);
    this.node.addEventListener("scroll", () => this.#schedule(), { passive: true });
    this.observer = new ResizeObserver(() => this.#schedule());
    this.observer.observe(this.node);
  }

  destroy() {
    this.observer.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  /** @param {Film} film */
  update(film) {
    const moved = film.step !== this.#film?.step || film.key !== this.#film.key;
    if (film.key !== this.#film?.key) {
      this.space.replaceChildren();
      this.#cells.clear();
    }
    this.#film = film;
    this.space.style.width = `${film.steps.length * COLUMN}px`;
    if (moved) {
      const left = film.steps.indexOf(film.step) * COLUMN;
      this.node.scrollLeft = left - this.node.clientWidth / 2 + COLUMN / 2;
    }
    this.#render();
  }

  #schedule() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#render());
  }

  #render() {
    if (this.#film === null) return;
    const { steps, step, url, label } = this.#film;
    const first = Math.max(0, Math.floor(this.node.scrollLeft / COLUMN) - SPARE);
    const room = Math.ceil(this.node.clientWidth / COLUMN) + 2 * SPARE;
    const last = Math.min(steps.length - 1, first + room);
    for (const [i, cell] of this.#cells) {
      if (i >= first && i <= last) continue;
      cell.image.removeAttribute("src");
      cell.node.remove();
      this.#cells.delete(i);
    }
    for (let i = first; i <= last; i++) {
      let cell = this.#cells.get(i);
      if (cell === undefined) {
        const image = el("img", { alt: "", draggable: "false" });
        const frame = el("span", { class: "frame" }, image);
        const name = el("span", {});
        const choose = () => this.#film && this.choose(this.#film.steps[i]);
        const node = el(
          "button",
          { type: "button", class: "film-frame", onclick: choose },
          frame,
          name
        );
        node.style.left = `${i * COLUMN}px`;
        cell = { node, frame, image, name };
        this.#cells.set(i, cell);
        this.space.append(node);
      }
      set(cell.node, {
        "aria-label": label(steps[i]),
        "aria-current": steps[i] === step ? "true" : null,
        tabindex: steps[i] === step ? "0" : "-1",
      });
      say(cell.name, String(steps[i]));
      show(cell.frame, cell.image, url(steps[i]));
    }
  }
}
