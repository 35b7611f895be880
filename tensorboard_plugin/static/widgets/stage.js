/** A stage on which a picture is fitted, enlarged and moved; several stages can move together. */

import { el, set } from "../core/dom.js";

const LARGEST = 64;
const SMALLEST = 0.05;
/** Largest zoom of a fitted picture. */
const FIT_LARGEST = 12;

/** Zoom and position, shared by the stages that move together. */
export class Camera {
  /** Screen pixels for one of the picture; null fits. @type {number | null} */
  zoom = null;
  /** Point of the picture in the middle of the stage, in fractions. */
  center = { x: 0.5, y: 0.5 };
  /** @type {Set<() => void>} */
  listeners = new Set();

  /** @param {(zoom: number | null) => void} zoomed called after each change of the zoom */
  constructor(zoomed) {
    this.zoomed = zoomed;
  }

  /** @param {number | null} zoom @param {{x: number, y: number}} [center] */
  look(zoom, center = this.center) {
    const before = this.zoom;
    this.zoom = zoom;
    this.center = zoom === null ? { x: 0.5, y: 0.5 } : center;
    for (const listener of this.listeners) listener();
    if (before !== zoom) this.zoomed(zoom);
  }
}

export class Stage {
  #width = 1;
  #height = 1;

  /**
   * @param {Camera} camera
   * @param {string} label for screen readers
   */
  constructor(camera, label) {
    this.camera = camera;
    this.content = el("div", { class: "content" });
    this.node = el(
      "div",
      { class: "stage", tabindex: "0", role: "group", "aria-label": label },
      this.content
    );
    this.place = () => this.#place();
    camera.listeners.add(this.place);
    this.observer = new ResizeObserver(this.place);
    this.observer.observe(this.node);
    this.node.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.node.addEventListener("pointerdown", (event) => this.#drag(event));
    this.node.addEventListener("dblclick", () =>
      this.camera.look(this.camera.zoom === null ? 1 : null)
    );
  }

  destroy() {
    this.observer.disconnect();
    this.camera.listeners.delete(this.place);
  }

  /**
   * @param {HTMLElement} node what to show
   * @param {number} width of the picture, in its own pixels
   * @param {number} height
   */
  show(node, width, height) {
    this.#width = Math.max(1, width);
    this.#height = Math.max(1, height);
    if (this.content.firstElementChild !== node) this.content.replaceChildren(node);
    this.#place();
  }

  /**
   * @param {MouseEvent} event
   * @returns {{x: number, y: number}} where the pointer is, in fractions of the picture
   */
  pointOf(event) {
    const area = this.content.getBoundingClientRect();
    return {
      x: (event.clientX - area.left) / area.width,
      y: (event.clientY - area.top) / area.height,
    };
  }

  /** Screen pixels for one of the picture, as it is now. */
  get scale() {
    if (this.camera.zoom !== null) return this.camera.zoom;
    const { clientWidth, clientHeight } = this.node;
    const fit = Math.min(clientWidth / this.#width, clientHeight / this.#height, FIT_LARGEST);
    // With a whole number all pixels have the same size; it is used if it costs little room.
    const whole = Math.floor(fit);
    return whole >= 2 && whole > 0.8 * fit ? whole : Math.max(fit, SMALLEST);
  }

  /** @param {number} factor */
  zoomBy(factor) {
    this.#zoomTo(this.scale * factor, this.camera.center, { x: 0, y: 0 });
  }

  /**
   * @param {number} zoom
   * @param {{x: number, y: number}} anchor point of the picture that stays where it is
   * @param {{x: number, y: number}} offset of that place from the middle, in screen pixels
   */
  #zoomTo(zoom, anchor, offset) {
    const next = Math.min(LARGEST, Math.max(SMALLEST, zoom));
    this.camera.look(next, {
      x: clamp(anchor.x - offset.x / (this.#width * next)),
      y: clamp(anchor.y - offset.y / (this.#height * next)),
    });
  }

  #place() {
    const { clientWidth, clientHeight } = this.node;
    if (clientWidth === 0) return;
    const { scale } = this;
    const { x, y } = this.camera.center;
    const [width, height] = [this.#width * scale, this.#height * scale];
    const left = width <= clientWidth ? (clientWidth - width) / 2 : clientWidth / 2 - x * width;
    const top =
      height <= clientHeight ? (clientHeight - height) / 2 : clientHeight / 2 - y * height;
    set(this.content, {
      style: {
        width: `${width}px`,
        height: `${height}px`,
        transform: `translate(${Math.round(left)}px, ${Math.round(top)}px)`,
      },
    });
    this.content.classList.toggle("enlarged", scale > 1);
    this.node.classList.toggle("fitted", this.camera.zoom === null);
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const stage = this.node.getBoundingClientRect();
    const anchor = this.pointOf(event);
    const offset = {
      x: event.clientX - stage.left - stage.width / 2,
      y: event.clientY - stage.top - stage.height / 2,
    };
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.#zoomTo(this.scale * Math.exp((-event.deltaY * lines) / 400), anchor, offset);
  }

  /** @param {PointerEvent} start */
  #drag(start) {
    if (start.button !== 0 || this.camera.zoom === null) return;
    const { x, y } = this.camera.center;
    const scale = this.scale;
    let moved = false;
    const move = (/** @type {PointerEvent} */ event) => {
      const [dx, dy] = [event.clientX - start.clientX, event.clientY - start.clientY];
      if (!moved && Math.hypot(dx, dy) < 4) return;
      if (!moved) this.node.setPointerCapture(start.pointerId);
      moved = true;
      this.node.classList.add("dragging");
      this.camera.look(this.camera.zoom, {
        x: clamp(x - dx / (this.#width * scale)),
        y: clamp(y - dy / (this.#height * scale)),
      });
    };
    const end = () => {
      this.node.classList.remove("dragging");
      this.node.removeEventListener("pointermove", move);
      if (!moved) return;
      // The click that ends a drag opens nothing.
      this.node.addEventListener("click", swallow, { capture: true, once: true });
      window.setTimeout(() => this.node.removeEventListener("click", swallow, { capture: true }));
    };
    this.node.addEventListener("pointermove", move);
    this.node.addEventListener("pointerup", end, { once: true });
    this.node.addEventListener("pointercancel", end, { once: true });
  }
}

/** @param {Event} event */
const swallow = (event) => event.stopPropagation();

/** @param {number} fraction */
const clamp = (fraction) => Math.min(1, Math.max(0, fraction));

/**
 * The buttons that zoom.
 * @param {Camera} camera
 * @param {() => Stage} stage
 */
export function zoomButtons(camera, stage) {
  const fit = el("button", { type: "button", onclick: () => camera.look(null) }, "Fit");
  const actual = el(
    "button",
    {
      type: "button",
      title: "True size: one pixel on the screen for each of the picture",
      onclick: () => camera.look(1),
    },
    "1:1"
  );
  const level = el("output", { class: "level" });
  const node = el(
    "div",
    { class: "segmented zoom", role: "group", "aria-label": "Zoom" },
    el(
      "button",
      { type: "button", "aria-label": "Smaller", onclick: () => stage().zoomBy(1 / 1.5) },
      "−"
    ),
    level,
    el(
      "button",
      { type: "button", "aria-label": "Larger", onclick: () => stage().zoomBy(1.5) },
      "+"
    ),
    fit,
    actual
  );
  const update = () => {
    set(fit, { "aria-pressed": String(camera.zoom === null) });
    set(actual, { "aria-pressed": String(camera.zoom === 1) });
    level.value = `${Math.round(stage().scale * 100)} %`;
  };
  camera.listeners.add(update);
  return { node, update };
}
