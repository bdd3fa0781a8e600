// Rows of the camera list. A row is reused for another camera; only what differs is written.

import { h, setAttribute, setText } from './dom.js';
import { COLUMNS, healthMark } from './columns.js';
import { HEALTHS } from './store.js';
import { t, word } from './i18n.js';
import { icon } from './icons.js';
import { causeTitle } from './reasons.js';

export class CameraRow {
  kind = 'camera';
  #record = null;
  #inside = null;
  #updates;

  constructor(stills) {
    this.element = h('div', { role: 'row', class: 'row camera' });
    this.#updates = COLUMNS.map((column) => {
      const cell = h('div', { role: 'gridcell', class: `cell ${column.id}${column.numeric ? ' numeric' : ''}` });
      this.element.append(cell);
      return column.fill(cell);
    });
    this.still = stills ? h('div', { class: 'cell still', 'aria-hidden': 'true' }) : null;
    if (this.still) this.element.querySelector('.name').prepend(this.still);
  }

  show(item) {
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
  #counts = new Map();

  constructor(kind) {
    this.kind = kind;
    this.title = h('span', { class: 'heading-title' });
    this.note = h('span', { class: 'heading-note' });
    this.mark = h('span', { class: 'heading-mark' });
    this.counts = h('span', { class: 'heading-counts' });
    const lead = kind === 'incident' ? this.mark : null;
    const cell = h('div', { role: 'gridcell', class: 'cell heading', 'aria-colspan': COLUMNS.length });
    cell.append(...[icon('open', 'twist'), lead, this.title, this.note, this.counts].filter(Boolean));
    this.element = h('div', { role: 'row', class: `row ${kind}` }, cell);
    this.showMark = healthMark(this.mark);
  }

  show(item) {
    setAttribute(this.element, 'aria-expanded', String(item.open));
    const worst = HEALTHS.find((health) => item.counts[health]);
    this.element.dataset.health = worst;
    if (this.kind === 'incident') {
      this.showMark(worst);
      setText(this.title, t(`incident.${item.scope}`, { place: item.place, count: item.total }));
      setText(this.note, causeTitle(item.cause));
    } else {
      setText(this.title, groupTitle(item));
      setText(this.note, t('list.cameras', { count: item.total }));
    }
    for (const health of HEALTHS) this.#showCount(health, item.counts[health] ?? 0);
  }

  #showCount(health, count) {
    let chip = this.#counts.get(health);
    if (!chip) {
      chip = h('span', { class: 'count', 'data-health': health }, icon(health), h('span'));
      this.#counts.set(health, chip);
      this.counts.append(chip);
    }
    chip.hidden = count === 0 || this.kind === 'incident';
    setText(chip.lastChild, t('list.count', { count, health: word('health', health) }));
  }
}

function groupTitle(item) {
  if (item.value === '') return t(`group.${item.by}.none`);
  return item.by === 'cause' ? causeTitle(item.value) : item.value;
}
