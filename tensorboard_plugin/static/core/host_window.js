/**
 * The window around us. TensorBoard shows the tab in an iframe of its own origin; in a notebook
 * the parent may be out of reach; then our own window is used.
 */

/** @returns {Window} the TensorBoard window where we may touch it, else our own */
function findHost() {
  try {
    if (window.parent !== window && window.parent.document.body) return window.parent;
  } catch {
    // Another origin.
  }
  return window;
}

export const host = findHost();

export const embedded = host !== window;

const PLUGIN = "keras_viz";
const PREFIX = `p.${PLUGIN}.`;

/**
 * The parameters in the address, or null where the address is another tab's.
 * @returns {{[key: string]: string} | null}
 */
export function readAddress() {
  const parts = host.location.hash.replace(/^#/, "").split("&");
  if (embedded && parts[0] !== PLUGIN && parts[0] !== "") return null;
  /** @type {{[key: string]: string}} */
  const parameters = {};
  for (const part of parts) {
    const cut = part.indexOf("=");
    if (cut < 0 || !part.startsWith(PREFIX)) continue;
    try {
      parameters[part.slice(PREFIX.length, cut)] = decodeURIComponent(part.slice(cut + 1));
    } catch {
      // A stray % in a hand-made link.
    }
  }
  return parameters;
}

/**
 * @param {{[key: string]: string}} parameters
 * @param {boolean} push whether Back shall lead to what was there before
 */
export function writeAddress(parameters, push) {
  const pairs = Object.entries(parameters).map(
    ([key, value]) => `${PREFIX}${key}=${encodeURIComponent(value)}`
  );
  const hash = `#${[PLUGIN, ...pairs].join("&")}`;
  if (hash === host.location.hash) return;
  // The full address: a bare "#…" would be read against the iframe's <base>.
  const { pathname, search } = host.location;
  const method = push ? "pushState" : "replaceState";
  try {
    host.history[method](host.history.state, "", pathname + search + hash);
  } catch {
    // Browsers limit the rate; the next change writes it.
  }
}

/** @param {() => void} listener called when Back, Forward or a typed address changed it */
export function onAddress(listener) {
  host.addEventListener("popstate", listener);
  host.addEventListener("hashchange", listener);
  window.addEventListener("pagehide", () => {
    host.removeEventListener("popstate", listener);
    host.removeEventListener("hashchange", listener);
  });
}

/**
 * Keys that TensorBoard's page gets while we are on screen and nothing of its own has the focus:
 * after opening the tab nobody has clicked into the iframe yet.
 * @param {(event: KeyboardEvent) => void} listener
 */
export function onHostKey(listener) {
  if (!embedded) return;
  const { document } = host;
  const hear = (/** @type {KeyboardEvent} */ event) => {
    if (event.target === document.body && window.innerHeight > 0) listener(event);
  };
  document.addEventListener("keydown", hear);
  window.addEventListener("pagehide", () => document.removeEventListener("keydown", hear));
}

/** Uses TensorBoard's theme, light or dark, now and after each switch. */
export function followTheme() {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const isDark = embedded ? host.document.body.classList.contains("dark-mode") : dark.matches;
    document.documentElement.classList.toggle("dark", isDark);
  };
  apply();
  if (embedded) {
    new MutationObserver(apply).observe(host.document.body, { attributeFilter: ["class"] });
  } else {
    dark.addEventListener("change", apply);
  }
}

/** @param {() => void} listener called when TensorBoard's reload button or timer fired */
export function onReload(listener) {
  if (window.parent === window) return;
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = (event) => {
    let message;
    try {
      message = JSON.parse(event.data);
    } catch {
      return;
    }
    if (message.isReply) return;
    if (message.type === "experimental.DataReloaded") listener();
    const reply = { type: message.type, id: message.id, payload: null, error: null, isReply: true };
    port1.postMessage(JSON.stringify(reply));
  };
  window.parent.postMessage("experimental.bootstrap", "*", [port2]);
}

/**
 * Reports whether the tab is visible: TensorBoard hides the iframe while another tab is open.
 * @param {(visible: boolean) => void} listener
 */
export function onVisibility(listener) {
  let onScreen = true;
  let last = true;
  const report = () => {
    const visible = onScreen && document.visibilityState === "visible";
    if (visible !== last) listener((last = visible));
  };
  document.addEventListener("visibilitychange", report);
  new ResizeObserver(() => {
    onScreen = window.innerWidth > 0 && window.innerHeight > 0;
    report();
  }).observe(document.documentElement);
}
