// The camera list: only rows on the screen are in the document, whatever the size of the fleet.

import { h, setAttribute } from './dom.js';
import { CameraRow, HeadingRow } from './row.js';
import { ListKeys } from './listkeys.js';
import { listHead } from './listhead.js';
import { arrange } from './view.js';
import { Stills } from './stills.js';
import { t } from './i18n.js';

/** @type {Record<string, number>} */
const HEIGHTS = { widest: 36, wide: 36, medium: 36, narrow: 66 };
const STILL_HEIGHT = 84;
const MORE_WIDTH = 76;
const OVERSCAN = 6;
const REST_MS = 600;
const LONGEST_WAIT_MS = 3000;

export class CameraList {
  /** @type {Item[]} */
  items = [];
  /** @type {Map<string, CameraRow | HeadingRow>} */
  #rows = new Map();
  /** @type {Record<Item["kind"], (CameraRow | HeadingRow)[]>} */
  #spare = { camera: [], group: [], incident: [] };
  /** @type {Map<string, boolean>} */
  #open = new Map();
  /** @type {CameraRecord[]} */
  #order = [];
  #scheduled = false;
  #stale = true;
  #staleSince = 0;
  #movedAt = -Infinity;
  #width = Infinity;
  #made = 0;

  /** @param {{ store: Store, route: Route, onOpen: Opening, onArranged: (found: Arranged) => void }} parts */
  constructor({ store, route, onOpen, onArranged }) {
    this.store = store;
    this.route = route;
    this.onOpen = onOpen;
    this.onArranged = onArranged;
    this.stills = new Stills();
    this.head = listHead(route);
    this.body = h('div', { role: 'rowgroup', class: 'rows' });
    this.element = h(
      'div',
      { role: 'treegrid', class: 'list', tabindex: '0', 'aria-label': t('list.label') },
      this.head.element,
      this.body,
    );
    this.keys = new ListKeys(this);
    this.#watch();
  }

  #watch() {
    new ResizeObserver(([entry]) => {
      this.#width = entry.contentRect.width;
      this.fit();
    }).observe(this.element);
    window.addEventListener('scroll', () => this.#schedule(), { passive: true });
    window.addEventListener('resize', () => this.#schedule(), { passive: true });
    this.body.addEventListener('pointermove', () => (this.#movedAt = performance.now()), { passive: true });
    this.body.addEventListener('pointerleave', () => (this.#movedAt = -Infinity));
    this.body.addEventListener('click', (event) => {
      const row = event.target instanceof Element ? event.target.closest('.row') : null;
      const index = this.items.findIndex((item) => item.key === row?.getAttribute('data-key'));
      if (index >= 0) this.keys.choose(index, { open: true });
    });
  }

  /** By the width that there is, and the columns that are asked for. */
  fit() {
    const { columns } = this.route.now;
    const more = columns.length ? `repeat(${columns.length}, minmax(${MORE_WIDTH}px, 0.6fr))` : '';
    this.element.style.setProperty('--more', more);
    this.element.dataset.columns = columns.join(' ');
    const width = this.#width - MORE_WIDTH * columns.length;
    const name = width < 640 ? 'narrow' : width < 1080 ? 'medium' : width < 1560 ? 'wide' : 'widest';
    if (this.element.dataset.width === name) return;
    this.element.dataset.width = name;
    this.refresh();
  }

  get rowHeight() {
    return this.route.now.stills ? STILL_HEIGHT : HEIGHTS[this.element.dataset.width ?? 'wide'];
  }

  /** Cameras changed, or what is to be shown of them. `now`: the reader asked for it. */
  refresh({ now = true } = {}) {
    if (!this.#stale) this.#staleSince = performance.now();
    this.#stale = true;
    if (now) this.#movedAt = -Infinity;
    this.#schedule();
  }

  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#render();
    });
  }

  /**
   * @param {string} key
   * @param {boolean} byDefault
   */
  isOpen = (key, byDefault) => this.#open.get(key) ?? byDefault;

  /** @param {HeadingItem} item */
  toggle(item, open = !item.open) {
    this.#open.set(item.key, open);
    this.refresh();
  }

  /** Rows must not run away under a pointer that is about to click. */
  #pointerBusy() {
    const now = performance.now();
    return now - this.#movedAt < REST_MS && now - this.#staleSince < LONGEST_WAIT_MS;
  }

  #arrange() {
    if (this.#pointerBusy()) {
      setTimeout(() => this.#schedule(), REST_MS);
      for (const item of this.items) {
        if (item.kind === 'camera') item.record = this.store.records.get(item.id) ?? item.record;
      }
      return;
    }
    this.#stale = false;
    const found = arrange(this.store.records, this.route.now, this.isOpen, this.#order);
    this.items = found.items;
    this.#order = found.order;
    setAttribute(this.element, 'aria-rowcount', this.items.length + 1);
    this.keys.follow();
    this.onArranged(found);
  }

  #render() {
    if (this.#stale) this.#arrange();
    if (!this.element.isConnected || this.element.hidden) return;
    const height = this.rowHeight;
    this.element.classList.toggle('with-stills', this.route.now.stills);
    this.body.style.setProperty('--row-height', `${height}px`);
    this.body.style.height = `${this.items.length * height}px`;
    const top = this.body.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(-top / height) - OVERSCAN);
    const last = Math.min(this.items.length, Math.ceil((window.innerHeight - top) / height) + OVERSCAN);
    this.#place(first, Math.max(first, last), height);
    this.head.update(this.route.now);
  }

  /**
   * @param {number} first
   * @param {number} last
   * @param {number} height
   */
  #place(first, last, height) {
    const wanted = new Set(this.items.slice(first, last).map((item) => item.key));
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      this.#rows.delete(key);
      this.#spare[row.kind].push(row);
    }
    for (let index = first; index < last; index += 1) {
      const item = this.items[index];
      const row = this.#rows.get(item.key) ?? this.#take(item);
      row.show(item);
      this.#position(row, item, index, height);
    }
    for (const rows of Object.values(this.#spare)) for (const row of rows) row.element.remove();
    const current = this.#rows.get(this.items[this.keys.index]?.key);
    setAttribute(this.element, 'aria-activedescendant', current?.element.id ?? null);
    this.stills.wish([...this.#rows.values()].flatMap((row) => row.frame ?? []));
  }

  /** @param {Item} item */
  #take(item) {
    const row = this.#spare[item.kind].pop() ?? this.#make(item.kind);
    row.element.dataset.key = item.key;
    this.#rows.set(item.key, row);
    if (!row.element.isConnected) this.body.append(row.element);
    return row;
  }

  /** @param {Item["kind"]} kind */
  #make(kind) {
    const row = kind === 'camera' ? new CameraRow(this.route.now.stills) : new HeadingRow(kind);
    row.element.id = `row-${(this.#made += 1)}`;
    return row;
  }

  /** The shape of rows changed: all are made anew. */
  rebuild() {
    for (const row of this.#rows.values()) row.element.remove();
    this.#rows.clear();
    for (const rows of Object.values(this.#spare)) rows.length = 0;
    this.stills.forget();
    this.refresh();
  }

  /**
   * @param {CameraRow | HeadingRow} row
   * @param {Item} item
   * @param {number} index
   * @param {number} height
   */
  #position(row, item, index, height) {
    if (row.top !== index * height) {
      row.top = index * height;
      row.element.style.transform = `translateY(${row.top}px)`;
    }
    setAttribute(row.element, 'aria-rowindex', index + 2);
    setAttribute(row.element, 'aria-level', item.inside ? 2 : 1);
    const chosen = index === this.keys.index;
    row.element.classList.toggle('current', chosen);
    setAttribute(row.element, 'aria-selected', item.id !== null && item.id === this.route.now.camera ? 'true' : null);
  }

  /**
   * Scrolls a row into view, below what sticks to the top.
   * @param {number} index
   */
  reveal(index) {
    const height = this.rowHeight;
    const sticky = this.head.element.getBoundingClientRect().bottom;
    const top = this.body.getBoundingClientRect().top + index * height;
    if (top < sticky) window.scrollBy(0, top - sticky);
    else if (top + height > window.innerHeight) window.scrollBy(0, top + height - window.innerHeight);
    this.#schedule();
  }

  get page() {
    return Math.max(1, Math.floor((window.innerHeight - 200) / this.rowHeight));
  }

  redraw() {
    this.#schedule();
  }
}
