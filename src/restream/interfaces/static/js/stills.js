// Small pictures in the list, only when asked for, only for rows on the screen, two at a time.

import { h } from './dom.js';
import { api, messageOf } from './api.js';
import { t } from './i18n.js';

/** @typedef {{ id: string, place: HTMLElement }} Frame */

const AT_ONCE = 2;
const KEPT = 120;
const REST_MS = 300;

export class Stills {
  /** @type {Map<string, { url?: string, error?: string }>} */
  #pictures = new Map();
  /** @type {Frame[]} */
  #wanted = [];
  #running = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #rest;

  /**
   * The places on the screen that have room for a picture.
   * @param {Frame[]} frames
   */
  wish(frames) {
    for (const frame of frames) this.#show(frame);
    this.#wanted = frames;
    clearTimeout(this.#rest);
    if (frames.length) this.#rest = setTimeout(() => this.#fetch(), REST_MS);
  }

  forget() {
    for (const { url } of this.#pictures.values()) if (url) URL.revokeObjectURL(url);
    this.#pictures.clear();
  }

  /** @param {Frame} frame */
  #show({ id, place }) {
    const picture = this.#pictures.get(id);
    const state = `${id} ${picture?.url ?? picture?.error ?? ''}`;
    if (place.dataset.state === state) return;
    place.dataset.state = state;
    if (picture?.url) place.replaceChildren(h('img', { src: picture.url, alt: '' }));
    else place.replaceChildren(h('span', {}, picture ? t('still.none') : t('still.waiting')));
  }

  #fetch() {
    while (this.#running < AT_ONCE) {
      const frame = this.#wanted.find((each) => each.place.isConnected && !this.#pictures.has(each.id));
      if (!frame) return;
      const { id } = frame;
      this.#pictures.set(id, {});
      this.#running += 1;
      this.#load(id);
    }
  }

  /** @param {string} id */
  async #load(id) {
    /** @type {{ url?: string, error?: string }} */
    let picture;
    try {
      picture = { url: URL.createObjectURL(await api.still(id)) };
    } catch (error) {
      picture = { error: messageOf(error) };
    }
    this.#running -= 1;
    this.#pictures.set(id, picture);
    for (const [old, { url }] of this.#pictures) {
      if (this.#pictures.size <= KEPT) break;
      if (url) URL.revokeObjectURL(url);
      this.#pictures.delete(old);
    }
    for (const frame of this.#wanted) if (frame.id === id) this.#show(frame);
    this.#fetch();
  }
}
