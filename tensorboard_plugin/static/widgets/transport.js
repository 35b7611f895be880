/** The bar at the foot: one slider for the whole tab, exact steps, play, follow latest. */

import { el, say, set, svg } from "../core/dom.js";
import { capital } from "../core/format.js";
import { placeOf } from "../core/run_detail.js";
import { SPEEDS } from "../core/playback.js";
import { setOptions } from "./controls.js";

/**
 * @import { Playback } from "../core/playback.js"
 * @import { MeasureSelection } from "../core/selection.js"
 * @import { Store } from "../core/state.js"
 */

const ICONS = {
  play: "M5 3.5v11l9-5.5z",
  pause: "M5 3.5h3v11H5zm5 0h3v11h-3z",
  back: "M12 3.5v11L5 9zM4 3.5h1.6v11H4z",
  forward: "M6 3.5v11L13 9zm6.4 0H14v11h-1.6z",
};

/** @param {string} path */
function icon(path) {
  return svg(
    "svg",
    { viewBox: "0 0 18 18", width: 18, height: 18, "aria-hidden": "true" },
    svg("path", { d: path })
  );
}

export class Transport {
  /** @type {MeasureSelection | null} */
  #selection = null;

  /** @param {Store} store @param {Playback} playback */
  constructor(store, playback) {
    this.store = store;
    this.playback = playback;
    this.playIcon = svg("path", { d: ICONS.play });
    this.play = el(
      "button",
      {
        type: "button",
        class: "icon primary",
        title: "Play or pause (space)",
        onclick: () => playback.toggle(),
      },
      svg(
        "svg",
        { viewBox: "0 0 18 18", width: 18, height: 18, "aria-hidden": "true" },
        this.playIcon
      )
    );
    this.back = el(
      "button",
      {
        type: "button",
        class: "icon",
        "aria-label": "Previous",
        title: "Previous (←)",
        onclick: () => this.move(-1),
      },
      icon(ICONS.back)
    );
    this.forward = el(
      "button",
      {
        type: "button",
        class: "icon",
        "aria-label": "Next",
        title: "Next (→)",
        onclick: () => this.move(1),
      },
      icon(ICONS.forward)
    );
    this.slider = el("input", {
      type: "range",
      class: "slider",
      min: "0",
      step: "1",
      oninput: () => this.#choose(Number(this.slider.value)),
    });
    this.exact = el("input", {
      type: "text",
      inputmode: "numeric",
      autocomplete: "off",
      class: "exact",
      onchange: () => this.#typed(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter") this.#typed();
        if (event.key === "Escape") this.exact.blur();
      },
      onfocus: () => this.exact.select(),
    });
    this.unit = el("span", {});
    this.total = el("span", { class: "muted total" });
    this.speed = el("select", {
      "aria-label": "Speed",
      title: "Steps a second",
      onchange: () => playback.setSpeed(Number(this.speed.value)),
    });
    this.follow = el(
      "button",
      {
        type: "button",
        class: "follow",
        title: "Show each new capture as it arrives (F)",
        onclick: () => this.toggleFollow(),
      },
      "Follow latest"
    );
    this.node = el(
      "footer",
      { class: "transport", "aria-label": "Epochs" },
      el("div", { class: "buttons" }, this.back, this.play, this.forward),
      this.slider,
      el("label", { class: "step" }, this.unit, this.exact, this.total),
      this.speed,
      this.follow
    );
  }

  /** @param {MeasureSelection | null} selection */
  update(selection) {
    this.#selection = selection;
    this.node.hidden = selection === null;
    if (selection === null) return;
    const { detail, steps, place, step, following } = selection;
    set(this.slider, {
      max: steps.length - 1,
      "aria-label": capital(detail.unit),
      "aria-valuetext": detail.label(step),
    });
    this.slider.value = String(place);
    const part = steps.length > 1 ? place / (steps.length - 1) : 1;
    this.slider.style.setProperty("--part", `${part * 100}%`);
    say(this.unit, capital(detail.unit));
    if (document.activeElement !== this.exact || !this.exact.dataset.dirty) {
      this.exact.value = String(step);
    }
    this.exact.style.width = `${Math.max(3, String(steps[steps.length - 1]).length) + 2}ch`;
    say(this.total, `of ${steps[steps.length - 1]}`);
    setOptions(
      this.speed,
      SPEEDS.map((speed) => ({ value: String(speed), label: `${speed} / s` })),
      String(this.playback.speed)
    );
    const { playing } = this.playback;
    set(this.playIcon, { d: playing ? ICONS.pause : ICONS.play });
    set(this.play, { "aria-label": playing ? "Pause" : "Play" });
    set(this.follow, { "aria-pressed": String(following) });
    this.back.disabled = place === 0;
    this.forward.disabled = place === steps.length - 1;
    this.play.disabled = this.slider.disabled = steps.length < 2;
  }

  /** @param {number} by places */
  move(by) {
    if (this.#selection !== null) this.#choose(this.#selection.place + by);
  }

  /** @param {number} place */
  #choose(place) {
    if (this.#selection === null) return;
    const { steps } = this.#selection;
    const step = steps[Math.min(steps.length - 1, Math.max(0, place))];
    this.store.update({ step }, { push: false });
  }

  first() {
    this.#choose(0);
  }

  last() {
    this.#choose(Infinity);
  }

  toggleFollow() {
    if (this.#selection === null) return;
    const { following, step } = this.#selection;
    this.store.update({ step: following ? step : null }, { push: false });
  }

  /** Goes to the step that is nearest to the number that was typed. */
  #typed() {
    const typed = Number(this.exact.value);
    if (this.#selection !== null && this.exact.value.trim() !== "" && Number.isFinite(typed)) {
      const { steps } = this.#selection;
      const below = placeOf(steps, typed);
      const above = Math.min(below + 1, steps.length - 1);
      const nearer = Math.abs(steps[above] - typed) < Math.abs(typed - steps[below]);
      this.#choose(nearer ? above : below);
    }
    this.update(this.#selection);
  }
}
