/** Loads pictures; one that is no longer wanted is not loaded to its end. */

import { ApiError, get } from "../core/http_api.js";
import { decodePng } from "./png_samples.js";

/**
 * A decoded picture: it appears without a flicker.
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<HTMLImageElement>}
 */
export async function loadImage(url, signal) {
  const image = new Image();
  image.src = url;
  signal.addEventListener("abort", () => image.removeAttribute("src"));
  try {
    await image.decode();
  } catch {
    signal.throwIfAborted();
    await get(url, signal); // throws the server's own message, if it has one
    throw new ApiError("The picture does not decode.", 0, "damaged");
  }
  return image;
}

/**
 * @param {string} url of a PNG whose pixels are numbers
 * @param {AbortSignal} signal
 */
export async function loadSamples(url, signal) {
  const response = await get(url, signal);
  return decodePng(await response.arrayBuffer());
}

/**
 * Points an <img> in a frame at a picture; the frame's class says how it went.
 * @param {HTMLElement} frame
 * @param {HTMLImageElement} image
 * @param {string | null} url null shows nothing
 */
export function show(frame, image, url) {
  if (image.getAttribute("src") === url) return;
  frame.classList.remove("failed");
  if (url === null) {
    image.removeAttribute("src");
    frame.classList.remove("pending");
    return;
  }
  frame.classList.add("pending");
  image.onload = () => frame.classList.remove("pending", "failed");
  image.onerror = () => {
    frame.classList.remove("pending");
    frame.classList.add("failed");
    image.removeAttribute("src");
  };
  image.src = url;
}
