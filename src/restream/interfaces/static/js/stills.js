// Small pictures in the list, only when asked for, only for rows on the screen, two at a time, as long as they are seen.

import { h, setAttribute } from './dom.js';
import { api } from './api.js';
import { serverNow, showTime } from './clock.js';
import { isDue, isWatchable } from './picture.js';
import { t } from './i18n.js';

/**
 * @typedef {{ camera: Camera, place: HTMLElement }} Frame
 * @typedef {{ askedAt: number, loading: boolean, url?: string, at?: string }} Picture
 */

const AT_ONCE = 2;
const KEPT = 120;
const REST_MS = 300;
const LOOK_MS = 2000;

export class Stills {
  /** @type {Map<string, Picture>} */
  #pictures = new Map();
  /** @type {Frame[]} */
  #wanted = [];
  #running = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #next;

  /**
   * The places on the screen that have room for a picture.
   * @param {Frame[]} frames
   */
  wish(frames) {
    for (const frame of frames) this.#show(frame);
    this.#wanted = frames;
    this.#later(REST_MS);
  }

  forget() {
    for (const { url } of this.#pictures.values()) if (url) URL.revokeObjectURL(url);
    this.#pictures.clear();
  }

  /** @param {Frame} frame */
  #show({ camera, place }) {
    const picture = this.#pictures.get(camera.id);
    const current = isWatchable(camera);
    setAttribute(place, 'data-current', String(current));
    const words = picture?.loading || (!picture && current) ? 'still.waiting' : 'still.none';
    const state = `${camera.id} ${picture?.url ?? words}`;
    if (place.dataset.state === state) return;
    place.dataset.state = state;
    if (!picture?.url) {
      place.replaceChildren(h('span', {}, t(words)));
      return;
    }
    const age = h('time');
    showTime(age, picture.at, 'ago');
    place.replaceChildren(h('img', { src: picture.url, alt: '' }), age);
  }

  /** @param {number} ms */
  #later(ms) {
    clearTimeout(this.#next);
    if (this.#wanted.length) this.#next = setTimeout(() => this.#fetch(), ms);
  }

  /** The one that waits longest is next: no row starves below others that are taken again and again. */
  #nextDue() {
    const now = performance.now();
    /** @param {Frame} frame */
    const asked = ({ camera }) => this.#pictures.get(camera.id)?.askedAt ?? -Infinity;
    return this.#wanted
      .filter(({ camera, place }) => {
        const picture = this.#pictures.get(camera.id);
        return !picture?.loading && place.checkVisibility() && isDue(camera, picture?.askedAt, now);
      })
      .reduce((/** @type {Frame | null} */ found, each) => (found && asked(found) <= asked(each) ? found : each), null);
  }

  #fetch() {
    while (!document.hidden && this.#running < AT_ONCE) {
      const frame = this.#nextDue();
      if (!frame) break;
      this.#running += 1;
      this.#load(frame.camera.id);
    }
    this.#later(LOOK_MS);
  }

  /** @param {string} id */
  async #load(id) {
    const picture = { ...this.#pictures.get(id), askedAt: performance.now(), loading: true };
    this.#keep(id, picture);
    try {
      const url = URL.createObjectURL(await api.still(id));
      if (picture.url) URL.revokeObjectURL(picture.url);
      Object.assign(picture, { url, at: new Date(serverNow()).toISOString() });
    } catch {
      // What was seen before stays, with its age, until it is tried again.
    }
    this.#running -= 1;
    this.#keep(id, { ...picture, loading: false });
    for (const frame of this.#wanted) if (frame.camera.id === id) this.#show(frame);
    this.#fetch();
  }

  /**
   * The oldest go first.
   * @param {string} id
   * @param {Picture} picture
   */
  #keep(id, picture) {
    this.#pictures.delete(id);
    this.#pictures.set(id, picture);
    for (const [old, { url }] of this.#pictures) {
      if (this.#pictures.size <= KEPT) break;
      if (url) URL.revokeObjectURL(url);
      this.#pictures.delete(old);
    }
  }
}
