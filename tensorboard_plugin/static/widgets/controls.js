/** Buttons, selects, sliders and panels. */

import { el, fill, set } from "../core/dom.js";

/** @import { Child } from "../core/dom.js" */

/**
 * Brings the options of a select up to date so that an open list stays open.
 * @param {HTMLSelectElement} select
 * @param {{value: string, label: string}[]} options
 * @param {string} value
 */
export function setOptions(select, options, value) {
  const same =
    select.options.length === options.length &&
    options.every(
      (o, i) => select.options[i].value === o.value && select.options[i].text === o.label
    );
  if (!same) {
    fill(
      select,
      options.map((o) => el("option", { value: o.value }, o.label))
    );
  }
  if (select.value !== value) select.value = value;
}

/**
 * A row of buttons of which one is pressed.
 * @param {string} label what the group chooses, for screen readers
 * @param {{value: string, label: string, title?: string}[]} choices
 * @param {(value: string) => void} choose
 * @returns {{node: HTMLElement, set: (value: string) => void}}
 */
export function segmented(label, choices, choose) {
  const buttons = choices.map((c) =>
    el("button", { type: "button", title: c.title, onclick: () => choose(c.value) }, c.label)
  );
  return {
    node: el("div", { class: "segmented", role: "group", "aria-label": label }, buttons),
    set(value) {
      choices.forEach((c, i) => set(buttons[i], { "aria-pressed": String(c.value === value) }));
    },
  };
}

/**
 * A select with its visible label.
 * @param {string} label
 * @param {(value: string) => void} choose
 * @returns {{node: HTMLLabelElement, select: HTMLSelectElement}}
 */
export function labelledSelect(label, choose) {
  const select = el("select", { onchange: () => choose(select.value) });
  return { node: el("label", { class: "field" }, el("span", {}, label), select), select };
}

/**
 * A button that opens a small panel; Escape and a click elsewhere close it.
 * @param {string} label
 * @param {() => Child[]} content asked for each time the panel opens, and by `update`
 */
export function dropdown(label, content) {
  const summary = el("summary", {}, label);
  const menu = el("div", { class: "menu" });
  const node = el("details", { class: "dropdown" }, summary, menu);
  const update = () => {
    if (node.open) fill(menu, content());
  };
  node.addEventListener("toggle", update);
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !node.open) return;
    event.preventDefault();
    node.open = false;
    summary.focus();
  });
  document.addEventListener("click", (event) => {
    if (!node.contains(/** @type {Node} */ (event.target))) node.open = false;
  });
  return { node, summary, update };
}

/**
 * A slider from 0 to 100 % with its name and its number.
 * @param {string} name
 * @param {(level: number) => void} choose
 * @returns {{node: HTMLElement, set: (level: number) => void}}
 */
export function percentSlider(name, choose) {
  const value = el("output", {});
  const input = el("input", {
    type: "range",
    class: "slider",
    min: "0",
    max: "100",
    oninput: () => choose(Number(input.value)),
  });
  return {
    node: el("label", { class: "knob" }, el("span", {}, name), input, value),
    set(level) {
      input.value = String(level);
      input.style.setProperty("--part", `${level}%`);
      value.value = `${level} %`;
    },
  };
}
