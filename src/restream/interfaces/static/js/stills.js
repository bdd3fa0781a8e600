// Small pictures in the list, only when asked for, only for rows on the screen, two at a time.

import { h } from './dom.js';
import { api } from './api.js';
import { t } from './i18n.js';

const AT_ONCE = 2;
const KEPT = 120;
const REST_MS = 300;

export class Stills {
  #pictures = new Map();
  #wanted = [];
  #running = 0;
  #rest = 0;

  /** The rows on the screen that have room for a picture. */
  wish(rows) {
    for (const row of rows) this.#show(row);
    this.#wanted = rows;
    clearTimeout(this.#rest);
    if (rows.length) this.#rest = setTimeout(() => this.#fetch(), REST_MS);
  }

  forget() {
    for (const { url } of this.#pictures.values()) if (url) URL.revokeObjectURL(url);
    this.#pictures.clear();
  }

  #show(row) {
    const id = row.element.dataset.camera;
    const picture = this.#pictures.get(id);
    const state = `${id} ${picture?.url ?? picture?.error ?? ''}`;
    if (row.still.dataset.state === state) return;
    row.still.dataset.state = state;
    if (picture?.url) row.still.replaceChildren(h('img', { src: picture.url, alt: '' }));
    else row.still.replaceChildren(h('span', {}, picture ? t('still.none') : t('still.waiting')));
  }

  #fetch() {
    while (this.#running < AT_ONCE) {
      const row = this.#wanted.find(
        (each) => each.element.isConnected && !this.#pictures.has(each.element.dataset.camera),
      );
      if (!row) return;
      const id = row.element.dataset.camera;
      this.#pictures.set(id, {});
      this.#running += 1;
      this.#load(id);
    }
  }

  async #load(id) {
    let picture;
    try {
      picture = { url: URL.createObjectURL(await api.still(id)) };
    } catch (error) {
      picture = { error: error.message };
    }
    this.#running -= 1;
    this.#pictures.set(id, picture);
    for (const [old, { url }] of this.#pictures) {
      if (this.#pictures.size <= KEPT) break;
      if (url) URL.revokeObjectURL(url);
      this.#pictures.delete(old);
    }
    for (const row of this.#wanted) if (row.element.dataset.camera === id) this.#show(row);
    this.#fetch();
  }
}
