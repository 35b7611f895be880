/** The server's data, kept up to date during a training. */

import { fetchRun, fetchRuns } from "./http_api.js";
import { RunDetail } from "./run_detail.js";

const INDEXING_MS = 20;
/** A run that is still being read is requested again after its pictures grew by this factor. */
const GROWTH = 3;
const BUSY_MS = 2000;
const LIVE_MS = 4000;
const IDLE_MS = 20000;
const FAILED_MS = 30000;
/** Time after the last new picture during which a training counts as running. */
const LIVELY_MS = 15 * 60 * 1000;

export class LogModel {
  /** @type {RunsReply | null} */
  runs = null;
  /** Error of the last poll. @type {Error | null} */
  error = null;
  /** @type {Map<string, {detail: RunDetail | null, asked: string | null, error: Error | null, pictures: number}>} */
  #details = new Map();
  #changed;
  #visible = true;
  #wait = BUSY_MS;
  #newest = 0;
  /** @type {number | undefined} */
  #timer;
  /** @type {AbortController | null} */
  #polling = null;

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /** Requests the runs now, and again after a while. */
  refresh() {
    window.clearTimeout(this.#timer);
    this.#polling?.abort();
    const controller = (this.#polling = new AbortController());
    fetchRuns(controller.signal).then(
      (runs) => {
        if (!controller.signal.aborted) this.#arrived(runs);
      },
      (error) => {
        if (controller.signal.aborted) return;
        this.error = error;
        this.#changed();
        this.#again(Math.min(this.#wait * 2, FAILED_MS));
      }
    );
  }

  /** @param {boolean} visible nothing is requested while the tab is hidden */
  setVisible(visible) {
    this.#visible = visible;
    if (visible) this.refresh();
    else window.clearTimeout(this.#timer);
  }

  /** @param {RunsReply} runs */
  #arrived(runs) {
    const { done, total } = runs.indexing;
    const reading = done < total && done !== this.runs?.indexing.done;
    const news = this.error !== null || runs.token !== this.runs?.token;
    this.error = null;
    this.runs = runs;
    for (const entry of this.#details.values()) {
      // A run that failed is requested again with each poll.
      if (entry.error !== null) Object.assign(entry, { asked: null, error: null, pictures: 0 });
    }
    if (news) {
      this.#newest = Math.max(
        this.#newest === 0 ? 0 : Date.now(),
        ...runs.runs.map((run) => (run.last_wall_time ?? 0) * 1000)
      );
      this.#changed();
    }
    const cap = Date.now() - this.#newest < LIVELY_MS ? LIVE_MS : IDLE_MS;
    this.#again(reading ? INDEXING_MS : news ? BUSY_MS : Math.min(this.#wait * 1.5, cap));
  }

  /** @param {number} wait milliseconds */
  #again(wait) {
    this.#wait = Math.max(wait, BUSY_MS / 2);
    window.clearTimeout(this.#timer);
    if (this.#visible) this.#timer = window.setTimeout(() => this.refresh(), wait);
  }

  /** @param {string} run @returns {RunSummary | null} */
  summary(run) {
    return this.runs?.runs.find((r) => r.run === run) ?? null;
  }

  /**
   * What is known of a run; requests it if the server has something newer.
   * @param {string} run
   * @returns {{detail: RunDetail | null, error: Error | null}}
   */
  detail(run) {
    const entry = this.#details.get(run) ?? { detail: null, asked: null, error: null, pictures: 0 };
    this.#details.set(run, entry);
    const summary = this.summary(run);
    const token = summary?.token ?? null;
    // While a large log is read each poll has news. To show them all would flicker, and the
    // requests for pictures would slow the reading down.
    const soon =
      summary !== null &&
      summary.indexing.done < summary.indexing.total &&
      summary.pictures < GROWTH * entry.pictures;
    if (token !== null && token !== entry.asked && token !== entry.detail?.reply.token && !soon) {
      entry.asked = token;
      entry.pictures = summary?.pictures ?? 0;
      fetchRun(run).then(
        (reply) => {
          if (entry.asked !== token) return;
          entry.detail = new RunDetail(reply);
          entry.error = null;
          this.#changed();
        },
        (error) => {
          if (entry.asked !== token) return;
          entry.error = error;
          this.#changed();
        }
      );
    }
    return entry;
  }
}
