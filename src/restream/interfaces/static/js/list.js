// The camera list: only rows on the screen are in the document, whatever the size of the fleet.

import { h, setAttribute } from './dom.js';
import { ListKeys } from './listkeys.js';
import { ListRows } from './listrows.js';
import { layout, longestTexts, SHEET } from './layout.js';
import { listHead } from './listhead.js';
import { arrange, filtered } from './view.js';
import { Stills } from './stills.js';
import { t } from './i18n.js';

/** How high a row is (rem). */
const HEIGHTS = { table: 2.4, narrow: 4.4, stills: 5.6 };
/** What a finger needs (px). */
const TOUCH = 44;
const COARSE = window.matchMedia('(pointer: coarse)');
const OVERSCAN = 6;
const REST_MS = 600;
const LONGEST_WAIT_MS = 3000;

export class CameraList {
  /** @type {Item[]} */
  items = [];
  /** @type {Map<string, boolean>} */
  #open = new Map();
  /** @type {CameraRecord[]} */
  #order = [];
  #scheduled = false;
  #stale = true;
  #staleSince = 0;
  #movedAt = -Infinity;
  /** Of the list, and of 1 rem (px). */
  #width = Infinity;
  #rem = 16;
  #printing = false;
  /** @type {Record<string, number>} */
  #longest = longestTexts([]);
  /** @type {ListLayout} */
  #layout = { narrow: false, sides: false, columns: [], template: '' };

  /**
   * @param {{ store: Store, route: Route, isNew: (camera: Camera) => boolean, onOpen: Opening,
   *   onArranged: (found: Arranged) => void }} parts
   */
  constructor({ store, route, isNew, onOpen, onArranged }) {
    this.isNew = isNew;
    this.store = store;
    this.route = route;
    this.onOpen = onOpen;
    this.onArranged = onArranged;
    this.stills = new Stills();
    this.head = listHead(route);
    this.rows = new ListRows();
    this.body = this.rows.element;
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
    new ResizeObserver(([{ contentRect }]) => {
      if (!contentRect.width) return;
      this.#width = contentRect.width;
      this.#rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
      this.#schedule();
    }).observe(this.element);
    // On paper there is no scrolling: all rows are made, in their order.
    for (const [event, printing] of /** @type {[string, boolean][]} */ ([
      ['beforeprint', true],
      ['afterprint', false],
    ]))
      window.addEventListener(event, () => {
        this.#printing = printing;
        this.#render();
      });
    window.addEventListener('scroll', () => this.#schedule(), { passive: true });
    window.addEventListener('resize', () => this.#schedule(), { passive: true });
    this.body.addEventListener('pointermove', () => (this.#movedAt = performance.now()), { passive: true });
    this.body.addEventListener('pointerleave', () => (this.#movedAt = -Infinity));
    this.body.addEventListener('click', (event) => this.#click(event));
    this.body.addEventListener('auxclick', (event) => this.#click(event));
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const row = event.target instanceof Element ? event.target.closest('.row') : null;
    const index = this.items.findIndex((item) => item.key === row?.getAttribute('data-key'));
    if (index < 0) return;
    const elsewhere = event.button === 1 || event.ctrlKey || event.metaKey || event.shiftKey;
    const link = row?.querySelector('a');
    // A row is a link, wherever it is clicked; what the link itself does with such a click is the browser's.
    if (elsewhere && link) {
      if (!(event.target instanceof Node && link.contains(event.target))) window.open(link.href, '_blank', 'noopener');
    } else if (event.button === 0) {
      event.preventDefault();
      this.keys.choose(index, { open: true });
    }
  }

  /** By the width that there is, the columns that are asked for, and what stands in them. */
  #fit() {
    const { columns: asked, stills } = this.route.now;
    const width = this.#printing ? SHEET : this.#width / this.#rem;
    const found = layout(width, { asked, stills, longest: this.#longest });
    const before = this.#layout;
    this.#layout = found;
    // Writing what stands there already would cost the style of every row.
    if (JSON.stringify(found) === JSON.stringify(before)) return;
    const { dataset, style } = this.element;
    dataset.width = found.narrow ? 'narrow' : 'table';
    dataset.sides = String(found.sides);
    style.setProperty('--columns', found.template || null);
    if (found.columns.length === before.columns.length && found.columns.every((each) => before.columns.includes(each)))
      return;
    this.head.fit(found.columns);
    this.rows.discard();
  }

  get rowHeight() {
    const rem = HEIGHTS[this.route.now.stills ? 'stills' : this.#layout.narrow ? 'narrow' : 'table'];
    return Math.max(COARSE.matches ? TOUCH : 0, Math.round(rem * this.#rem));
  }

  /** The cameras that it has now, in order, whether their group is open or not. */
  get shown() {
    return filtered(this.#order, this.route.now);
  }

  /**
   * Cameras changed, or what is to be shown of them. `now`: the reader asked for it, or there are others than before.
   * @param {{ now?: boolean, changed?: Iterable<string> }} [what]
   */
  refresh({ now = true, changed = [] } = {}) {
    const records = now ? this.store.records.values() : [...changed].flatMap((id) => this.store.records.get(id) ?? []);
    this.#longest = longestTexts(records, now ? {} : this.#longest);
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
    const { records, incidents } = this.store;
    const found = arrange(records, this.route.now, this.isOpen, this.#order, incidents.values());
    this.items = found.items;
    this.#order = found.order;
    setAttribute(this.element, 'aria-rowcount', this.items.length + 1);
    this.keys.follow();
    this.onArranged(found);
  }

  #render() {
    if (this.#stale) this.#arrange();
    if (!this.element.isConnected || this.element.hidden) return;
    this.#fit();
    const height = this.rowHeight;
    this.element.classList.toggle('with-stills', this.route.now.stills);
    this.body.style.setProperty('--row-height', `${height}px`);
    this.body.style.height = `${this.items.length * height}px`;
    const top = this.body.getBoundingClientRect().top;
    const first = this.#printing ? 0 : Math.max(0, Math.floor(-top / height) - OVERSCAN);
    const end = this.#printing ? Infinity : Math.ceil((window.innerHeight - top) / height) + OVERSCAN;
    this.rows.show(this.items, first, Math.max(first, Math.min(this.items.length, end)), {
      height,
      view: this.route.now,
      columns: this.#layout.columns,
      current: this.keys.index,
      isNew: this.isNew,
      ordered: this.#printing,
    });
    setAttribute(this.element, 'aria-activedescendant', this.rows.idOf(this.items[this.keys.index]));
    this.stills.wish(this.rows.frames);
    this.head.update(this.route.now);
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

  /** The shape of rows changed: all are made anew. */
  rebuild() {
    this.rows.discard();
    this.stills.forget();
    this.refresh();
  }

  get page() {
    return Math.max(1, Math.floor((window.innerHeight - 200) / this.rowHeight));
  }

  redraw() {
    this.#schedule();
  }
}
