// The live connection: a snapshot, then deltas. When it breaks: reconnect with growing, jittered delays, resume where
// it broke, and poll meanwhile.

import { api, socketAddress } from './api.js';
import { Poller } from './poller.js';

/** @typedef {'connecting' | 'live' | 'polling' | 'lost'} State */

const FIRST_S = 0.5;
const LONGEST_S = 20;
const OPENING_LIMIT_S = 10;
// An operator should not look at an empty page because a proxy swallows WebSockets.
const PATIENCE_S = 2.5;

export class Connection {
  /** @type {State} */
  state = 'connecting';
  /**
   * When the last data came, by this page's clock (ms); null before.
   * @type {number | null}
   */
  heardAt = null;
  /** @type {number | null} */
  retryAt = null;
  /** @type {WebSocket | null} */
  #socket = null;
  #attempts = 0;
  /** @type {Set<ReturnType<typeof setTimeout>>} */
  #timers = new Set();
  #running = false;

  /** @param {{ store: Store, onState: () => void, onRefused: () => void }} parts */
  constructor({ store, onState, onRefused }) {
    this.store = store;
    this.onState = onState;
    this.onRefused = onRefused;
    this.poller = new Poller(store, (worked) => this.#polled(worked));
    setInterval(() => this.#watch(), 500);
    window.addEventListener('online', () => this.retry());
    document.addEventListener('visibilitychange', () => !document.hidden && this.#awake());
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    this.#attempts = 0;
    this.#connect();
  }

  stop() {
    this.#running = false;
    this.#clear();
    this.#drop();
    this.poller.stop();
  }

  /** Somebody does not want to wait. */
  retry() {
    if (!this.#running || this.state === 'live') return;
    this.#connect();
  }

  /**
   * @param {number} seconds
   * @param {() => void} action
   */
  #later(seconds, action) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, seconds * 1000);
    this.#timers.add(timer);
  }

  #clear() {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** @param {State} state */
  #set(state) {
    this.state = state;
    this.onState();
  }

  #connect() {
    this.#clear();
    this.#drop();
    this.retryAt = null;
    const { instance, generation } = this.store;
    const resume = instance === null ? {} : { instance, generation };
    const socket = new WebSocket(socketAddress({ topics: 'cameras,status,events,host,incidents', ...resume }));
    this.#socket = socket;
    socket.onmessage = (event) => socket === this.#socket && this.#receive(event.data);
    socket.onclose = () => socket === this.#socket && this.#broken();
    this.#later(OPENING_LIMIT_S, () => this.#broken());
    if (!this.store.filled) this.#later(PATIENCE_S, () => this.poller.start());
    this.onState();
  }

  /** @param {string} text */
  #receive(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      this.#broken();
      return;
    }
    if (message.type !== 'snapshot' && message.type !== 'delta') return;
    this.#clear();
    this.#attempts = 0;
    this.heardAt = performance.now();
    this.poller.stop();
    this.store.apply(message);
    if (this.state !== 'live') this.#set('live');
  }

  #broken() {
    this.#drop();
    this.#clear();
    if (!this.#running) return;
    this.#attempts += 1;
    const wait = Math.min(LONGEST_S, FIRST_S * 2 ** (this.#attempts - 1)) * (0.5 + Math.random() / 2);
    this.retryAt = performance.now() + wait * 1000;
    this.#later(wait, () => this.#connect());
    if (this.state === 'live') this.#set('lost');
    else this.onState();
    // A refused upgrade looks like any other failure: ask whether a login is wanted.
    if (this.#attempts > 1) this.#ask();
  }

  async #ask() {
    try {
      const session = await api.session();
      if (session.token_required && !session.authenticated) this.onRefused();
      else if (this.#running && this.state !== 'live') this.poller.start();
    } catch {
      // The service is away: the next attempt tells.
    }
  }

  /** @param {boolean} worked */
  #polled(worked) {
    if (this.state === 'live' || !this.#running) return;
    if (worked) this.heardAt = performance.now();
    const state = worked ? 'polling' : 'lost';
    if (this.state !== state) this.#set(state);
  }

  /** Silence is trouble too: a delta comes every cycle. */
  #watch() {
    if (!this.#running || this.state !== 'live') return;
    if (performance.now() - (this.heardAt ?? 0) > 3 * this.store.intervalS * 1000) this.#broken();
  }

  #awake() {
    this.#watch();
    if (this.state !== 'live') this.retry();
  }
}
