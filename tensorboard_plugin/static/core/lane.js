/** Requests of which only the newest counts. */

/** One request at a time: a reply to an older one than the newest is dropped. */
export class Lane {
  /** @type {AbortController | null} */
  #current = null;
  /** @type {string | null} */
  #key = null;

  /**
   * @template T
   * @param {string} key what is asked for; the same again is asked once
   * @param {(signal: AbortSignal) => Promise<T>} work
   * @param {(value: T) => void} done
   * @param {(error: Error) => void} failed
   */
  ask(key, work, done, failed) {
    if (key === this.#key) return;
    this.drop();
    this.#key = key;
    const controller = (this.#current = new AbortController());
    work(controller.signal).then(
      (value) => {
        if (!controller.signal.aborted) done(value);
      },
      (error) => {
        if (controller.signal.aborted) return;
        this.#key = null;
        failed(error);
      }
    );
  }

  /** Stops the request that is under way; its reply is dropped. */
  drop() {
    this.#current?.abort();
    this.#current = null;
    this.#key = null;
  }

  destroy() {
    this.drop();
  }
}
