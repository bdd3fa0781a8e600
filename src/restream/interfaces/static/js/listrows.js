// The rows of the list that are in the document: taken from those that left the screen, placed, and told what to show.

import { h, setAttribute } from './dom.js';
import { write } from './route.js';
import { CameraRow, HeadingRow } from './row.js';

/**
 * @typedef {CameraRow | HeadingRow} Row
 * @typedef {object} Shown
 * @property {number} height of a row (px)
 * @property {View} view
 * @property {ListColumn[]} columns
 * @property {number} current the row of the keyboard
 * @property {(camera: Camera) => boolean} isNew
 * @property {boolean} ordered whether the document has them in the order of the list, for paper
 */

export class ListRows {
  element = h('div', { role: 'rowgroup', class: 'rows' });
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {Record<Item["kind"], Row[]>} */
  #spare = { camera: [], group: [], incident: [] };
  #made = 0;

  /**
   * @param {Item[]} items
   * @param {number} first
   * @param {number} last
   * @param {Shown} shown
   */
  show(items, first, last, shown) {
    const wanted = new Set(items.slice(first, last).map((item) => item.key));
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      this.#rows.delete(key);
      this.#spare[row.kind].push(row);
    }
    const { camera: opened, ...view } = shown.view;
    const address = write({ ...view, camera: null });
    for (let index = first; index < last; index += 1) {
      const item = items[index];
      const row = this.#rows.get(item.key) ?? this.#take(item, shown);
      row.show(item, shown.isNew);
      if (row.link && item.id !== null) setAttribute(row.link, 'href', linkTo(address, item.id));
      this.#position(row, index, shown.height);
      setAttribute(row.element, 'aria-level', item.inside ? 2 : 1);
      row.element.classList.toggle('current', index === shown.current);
      setAttribute(row.element, 'aria-selected', item.id !== null && item.id === opened ? 'true' : null);
      if (shown.ordered) this.element.append(row.element);
    }
    for (const rows of Object.values(this.#spare)) for (const row of rows) row.element.remove();
  }

  /** Where pictures go, and of which cameras. */
  get frames() {
    return [...this.#rows.values()].flatMap((row) => row.frame ?? []);
  }

  /** @param {Item | undefined} item */
  idOf(item) {
    return item ? this.#rows.get(item.key)?.element.id : null;
  }

  discard() {
    for (const row of this.#rows.values()) row.element.remove();
    this.#rows.clear();
    for (const rows of Object.values(this.#spare)) rows.length = 0;
  }

  /**
   * @param {Item} item
   * @param {Shown} shown
   */
  #take(item, shown) {
    const row = this.#spare[item.kind].pop() ?? this.#make(item.kind, shown);
    row.element.dataset.key = item.key;
    this.#rows.set(item.key, row);
    if (!row.element.isConnected) this.element.append(row.element);
    return row;
  }

  /**
   * @param {Item["kind"]} kind
   * @param {Shown} shown
   */
  #make(kind, { columns, view }) {
    const row = kind === 'camera' ? new CameraRow(columns, view.stills) : new HeadingRow(kind, columns.length);
    row.element.id = `row-${(this.#made += 1)}`;
    return row;
  }

  /**
   * @param {Row} row
   * @param {number} index
   * @param {number} height
   */
  #position(row, index, height) {
    if (row.top !== index * height) {
      row.top = index * height;
      row.element.style.transform = `translateY(${row.top}px)`;
    }
    setAttribute(row.element, 'aria-rowindex', index + 2);
  }
}

/**
 * @param {string} address of the list
 * @param {string} id
 */
function linkTo(address, id) {
  return `${address}${address === '#' ? '' : '&'}camera=${encodeURIComponent(id)}`;
}
