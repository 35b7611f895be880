/** Links to downloads: a picture, a series as an animation, series as files. */

import { el } from "../core/dom.js";
import { capital } from "../core/format.js";
import { cellUrl, downloadUrl, gifUrl, zipUrl } from "../core/http_api.js";
import { keyAt } from "../core/selection.js";

/**
 * @import { Selection } from "../core/selection.js"
 */

/** Largest number of tags in one request. */
const MOST_TAGS = 256;

/**
 * @param {Selection} selection
 * @param {number | null} alone cell of a grid that is looked at alone
 * @returns {HTMLElement[]}
 */
export function exportLinks(selection, alone) {
  const { detail, series, name, layers, image, step } = selection;
  const key = keyAt(detail, series, step);
  if (key === null) return [];
  const { run } = detail;
  const { tag } = series;
  const cell = `${capital(series.item ?? "cell")} ${alone}`;
  const tags = layers
    .map((layer) => detail.find(name, layer, image)?.tag)
    .filter((t) => t !== undefined);
  const links = [
    link("This picture", series.levels ? "PNG" : "image", downloadUrl(key)),
    alone !== null && link(cell, "PNG", `${cellUrl(key, alone)}&download=1`),
    link("All epochs of it", "GIF", gifUrl({ run, tag })),
    alone !== null && link(`${cell}, all epochs`, "GIF", gifUrl({ run, tag, item: alone })),
    link("All epochs of it", "ZIP", zipUrl({ run, tag })),
    tags.length > 1 &&
      tags.length <= MOST_TAGS &&
      link(
        `All ${tags.length} layers, this epoch`,
        "ZIP",
        zipUrl({ run, tag: tags, first: step, last: step })
      ),
    tags.length > 1 &&
      tags.length <= MOST_TAGS &&
      link(`All ${tags.length} layers, all epochs`, "ZIP", zipUrl({ run, tag: tags })),
  ];
  return links.filter((l) => l !== false);
}

/** @param {string} what @param {string} kind @param {string} url */
function link(what, kind, url) {
  return el("a", { href: url, download: "" }, el("span", {}, what), el("b", {}, kind));
}
