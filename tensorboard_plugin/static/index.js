/** Entry of the tab: TensorBoard imports this module and calls `render()`. */

import { App } from "./app.js";

/** In this order: later ones win. */
const STYLES = ["page", "bars", "layers", "picture", "maps", "narrow"];

export async function render() {
  document.documentElement.lang = "en";
  document.title = "Keras Viz";
  await Promise.all(STYLES.map(load));
  new App(document.body).start();
}

/** @param {string} name of a style sheet */
function load(name) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL(`./styles/${name}.css`, import.meta.url).href;
  document.head.append(link);
  return new Promise((done) => (link.onload = link.onerror = done));
}
