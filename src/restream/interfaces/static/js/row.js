// Rows of the camera list. A row is reused for another camera; only what differs is written.

import { h, setAttribute, setText } from './dom.js';
import { healthMark } from './columns.js';
import { HEALTHS } from './store.js';
import { t, word } from './i18n.js';
import { icon } from './icons.js';
import { causeTitle } from './reasons.js';

export class CameraRow {
  /** @type {'camera'} */
  kind = 'camera';
  /** Where it is (px); not a number before it was placed. */
  top = NaN;
  /** @type {CameraRecord | null} */
  #record = null;
  /** @type {boolean | null} */
  #inside = null;
  /** @type {((camera: Camera) => void)[]} */
  #updates;

  /**
   * @param {ListColumn[]} columns
   * @param {boolean} stills
   */
  constructor(columns, stills) {
    this.element = h('div', { role: 'row', class: 'row camera' });
    this.#updates = columns.map((column) => {
      const cell = h('div', { role: 'gridcell', class: `cell ${column.id}${column.numeric ? ' numeric' : ''}` });
      this.element.append(cell);
      return column.fill(cell);
    });
    this.still = stills ? h('div', { class: 'cell still', 'aria-hidden': 'true' }) : null;
    if (this.still) this.element.querySelector('.name')?.prepend(this.still);
    this.link = this.element.querySelector('a');
    this.fresh = h('span', { class: 'fresh-mark' });
    this.element.querySelector('.health')?.append(this.fresh);
  }

  /** Where the picture of which camera goes; null where none is shown. */
  get frame() {
    return this.still && this.#record ? { camera: this.#record.camera, place: this.still } : null;
  }

  /**
   * @param {Item} item
   * @param {(camera: Camera) => boolean} isNew
   */
  show(item, isNew) {
    if (item.kind !== 'camera') return;
    setText(this.fresh, isNew(item.record.camera) ? t('seen.mark') : '');
    if (item.inside !== this.#inside) this.element.classList.toggle('inside', (this.#inside = item.inside));
    if (item.record === this.#record) return;
    this.#record = item.record;
    const { camera } = item.record;
    this.element.dataset.health = camera.verdict.health;
    setAttribute(this.element, 'data-camera', camera.id);
    for (const update of this.#updates) update(camera);
  }
}

/** A row for several cameras: a group, or an incident. */
export class HeadingRow {
  frame = null;
  link = null;
  top = NaN;
  /** @type {Map<Health, { element: HTMLElement, text: HTMLElement }>} */
  #counts = new Map();

  /**
   * @param {HeadingItem["kind"]} kind
   * @param {number} columns
   */
  constructor(kind, columns) {
    this.kind = kind;
    this.title = h('bdi', { class: 'heading-title' });
    this.note = h('span', { class: 'heading-note' });
    this.mark = h('span', { class: 'heading-mark' });
    this.counts = h('span', { class: 'heading-counts' });
    const cell = h('div', { role: 'gridcell', class: 'cell heading', 'aria-colspan': columns });
    cell.append(icon('open', 'twist'), ...(kind === 'incident' ? [this.mark] : []), this.title, this.note, this.counts);
    this.element = h('div', { role: 'row', class: `row ${kind}` }, cell);
    this.showMark = healthMark(this.mark);
  }

  /** @param {Item} item */
  show(item) {
    if (item.kind === 'camera') return;
    setAttribute(this.element, 'aria-expanded', String(item.open));
    const worst = HEALTHS.find((health) => item.counts[health]) ?? 'unknown';
    this.element.dataset.health = worst;
    if (item.kind === 'incident') {
      this.showMark(worst);
      setText(this.title, item.title);
      const hands = item.acknowledged === null ? '' : t('incident.hands', { who: item.acknowledged || '–' });
      setText(this.note, [causeTitle(item.cause), hands].filter(Boolean).join(' · '));
    } else {
      setText(this.title, groupTitle(item));
      setText(this.note, t('list.cameras', { count: item.total }));
    }
    for (const health of HEALTHS) this.#showCount(health, item.counts[health] ?? 0);
  }

  /**
   * @param {Health} health
   * @param {number} count
   */
  #showCount(health, count) {
    let chip = this.#counts.get(health);
    if (!chip) {
      const text = h('span');
      chip = { text, element: h('span', { class: 'count', 'data-health': health }, icon(health), text) };
      this.#counts.set(health, chip);
      this.counts.append(chip.element);
    }
    chip.element.hidden = count === 0 || this.kind === 'incident';
    setText(chip.text, t('list.count', { count, health: word('health', health) }));
  }
}

/** @param {GroupItem} item */
function groupTitle(item) {
  if (item.value === '') return t(`group.${item.by}.none`);
  return item.by === 'cause' ? causeTitle(item.value) : item.value;
}
