// Where WebSockets cannot be had, the same picture by REST, less often.

import { ApiError, api } from './api.js';

const EVERY_S = 5;

export class Poller {
  /** @type {AbortController | null} */
  #stopped = null;

  /**
   * @param {Store} store
   * @param {(worked: boolean) => void} onRound
   */
  constructor(store, onRound) {
    this.store = store;
    this.onRound = onRound;
  }

  start() {
    if (this.#stopped) return;
    this.#stopped = new AbortController();
    this.#run(this.#stopped.signal);
  }

  stop() {
    this.#stopped?.abort();
    this.#stopped = null;
  }

  /** @param {AbortSignal} signal */
  async #run(signal) {
    while (!signal.aborted) {
      let worked = true;
      try {
        const message = await this.#round(signal);
        if (signal.aborted) return;
        this.store.apply(message);
      } catch (error) {
        if (signal.aborted) return;
        worked = false;
        if (error instanceof ApiError && error.status === 401) this.stop();
      }
      this.onRound(worked);
      await new Promise((resolve) => setTimeout(resolve, EVERY_S * 1000));
    }
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<Message>}
   */
  async #round(signal) {
    const since = this.store.events.at(-1)?.id;
    const [status, cameras, events, host, open] = await Promise.all([
      api.status(signal),
      api.cameras(signal),
      api.events({ since, limit: 100 }, signal),
      api.host(signal).catch(() => null),
      api.incidents({}, signal).catch(() => null),
    ]);
    // The generation is left alone: lists and status may be of two cycles, and a resume must miss nothing.
    return { type: 'snapshot', time: status.time, cameras, status, events, host, incidents: open?.incidents };
  }
}
