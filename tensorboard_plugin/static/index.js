/** Entry of the tab: TensorBoard imports this module and calls `render()`. */

import { App } from "./app.js";

export async function render() {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL("./style.css", import.meta.url).href;
  const styled = new Promise((done) => (style.onload = style.onerror = done));
  document.head.append(style);
  document.documentElement.lang = "en";
  document.title = "Keras Viz";
  await styled;
  new App(document.body).start();
}
