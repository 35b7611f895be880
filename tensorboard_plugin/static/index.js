/** Entry of the tab: TensorBoard imports this module and calls `render()`. */

/** Style sheets of the whole tab, in this order: later ones win. Those of the views follow. */
const STYLES = ["page", "controls", "bars", "pictures"];

export async function render() {
  document.documentElement.lang = "en";
  document.title = "Keras Viz";
  // The style sheets are on their way while the modules are loaded.
  const styles = STYLES.map((name) => load(new URL(`./styles/${name}.css`, import.meta.url)));
  const [{ App }, { VIEWS }] = await Promise.all([import("./app.js"), import("./views/index.js")]);
  const own = VIEWS.flatMap(({ style }) => (style === undefined ? [] : [load(style)]));
  await Promise.all([...styles, ...own]);
  new App(document.body).start();
}

/** @param {URL} address of a style sheet */
function load(address) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = address.href;
  document.head.append(link);
  return new Promise((done) => (link.onload = link.onerror = done));
}
