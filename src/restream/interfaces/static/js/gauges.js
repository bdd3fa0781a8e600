// Bars for shares: of the host on top of the page, and on its own panel.

import { h, setAttribute, setText } from './dom.js';
import { celsius, percent } from './format.js';
import { t } from './i18n.js';

/** @typedef {ReturnType<typeof meter>} Meter */

const HIGH = 0.85;
const FULL = 0.95;

/**
 * A bar with its number; beyond the thresholds a word says so too.
 * @param {string} label
 */
export function meter(label) {
  const fill = h('span', { class: 'fill' });
  const value = h('span', { class: 'value' });
  const bar = h(
    'span',
    { class: 'bar', role: 'meter', 'aria-label': label, 'aria-valuemin': 0, 'aria-valuemax': 100 },
    fill,
  );
  const element = h('li', { class: 'gauge' }, h('span', { class: 'gauge-name' }, label), bar, value);
  return {
    element,
    /**
     * @param {number} share
     * @param {string} text
     */
    show(share, text, note = '') {
      const bounded = Math.min(1, Math.max(0, share ?? 0));
      fill.style.width = `${bounded * 100}%`;
      setAttribute(bar, 'aria-valuenow', Math.round(bounded * 100));
      setAttribute(bar, 'aria-valuetext', text);
      element.dataset.level = share >= FULL ? 'full' : share >= HIGH ? 'high' : 'fine';
      setText(value, share >= HIGH ? `▲ ${text}` : text);
      setAttribute(element, 'title', note || null);
    },
  };
}

/**
 * What the gauges show, from a sample of the host: key, label, share of one, text.
 * @param {Host} host
 */
function readings(host) {
  /** @type {{ key: string, label: string, share: number, text: string, note?: string }[]} */
  const found = [];
  /** @param {number} value */
  const share = (value) => percent(value / 100, 0);
  if (host.cpu_percent !== undefined && host.cpu_percent !== null)
    found.push({
      key: 'cpu',
      label: t('host.cpu'),
      share: host.cpu_percent / 100,
      text: share(host.cpu_percent),
      note: t('host.cores', { count: host.cores ?? 0 }),
    });
  const { memory } = host;
  if (memory)
    found.push({ key: 'memory', label: t('host.memory'), share: memory.percent / 100, text: share(memory.percent) });
  const disk = [...(host.disks ?? [])].sort((a, b) => b.percent - a.percent)[0];
  if (disk)
    found.push({
      key: 'disk',
      label: t('host.disk'),
      share: disk.percent / 100,
      text: share(disk.percent),
      note: disk.mount,
    });
  const hottest = [...(host.temperatures ?? [])].sort((a, b) => b.celsius - a.celsius)[0];
  if (hottest)
    found.push({
      key: 'temperature',
      label: t('host.temperature'),
      share: hottest.celsius / (hottest.high_celsius ?? 100),
      text: celsius(hottest.celsius),
      note: hottest.sensor,
    });
  return found;
}

/**
 * @param {HTMLElement} list
 * @param {Map<string, Meter>} meters
 * @param {Host} host
 */
export function showGauges(list, meters, host) {
  const found = readings(host);
  for (const { key, label, share, text, note } of found) {
    let each = meters.get(key);
    if (!each) {
      each = meter(label);
      meters.set(key, each);
      list.append(each.element);
    }
    each.show(share, text, note);
  }
  for (const [key, each] of meters) each.element.hidden = !found.some((reading) => reading.key === key);
}
