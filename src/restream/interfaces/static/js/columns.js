// The columns of the camera list: what each shows and how it sorts.

import { h, setAttribute, setText } from './dom.js';
import { bitrate, NOTHING, number } from './format.js';
import { t, word } from './i18n.js';
import { icon } from './icons.js';
import { reasonLine } from './reasons.js';
import { showTime } from './clock.js';

/**
 * @typedef {(camera: Camera) => void} Update
 * @param {(camera: Camera) => string} show
 * @returns {(cell: HTMLElement) => Update}
 */
function plain(show) {
  return (cell) => (camera) => {
    const value = show(camera);
    setText(cell, value);
    setAttribute(cell, 'title', value === NOTHING || value === '' ? null : value);
  };
}

// The name shares its cell with the picture.
/** @param {HTMLElement} cell */
function name(cell) {
  const words = h('span', { class: 'words' });
  cell.append(words);
  return plain((camera) => camera.name || t('list.unnamed', { id: camera.id }))(words);
}

/**
 * @param {(camera: Camera) => Moment} pick
 * @param {string} style
 * @returns {(cell: HTMLElement) => Update}
 */
function time(pick, style) {
  return (cell) => {
    const node = h('time');
    cell.append(node);
    return (camera) => showTime(node, pick(camera), style);
  };
}

/**
 * Icon and word of a health; the icon is replaced only when the health changes.
 * @param {HTMLElement} cell
 * @returns {(now: Health) => void}
 */
export function healthMark(cell) {
  const label = h('span', { class: 'health-word' });
  cell.append(label);
  return (now) => {
    if (cell.dataset.health === now) return;
    cell.dataset.health = now;
    cell.querySelector('.icon')?.remove();
    cell.prepend(icon(now));
    setText(label, word('health', now));
  };
}

/**
 * @param {HTMLElement} cell
 * @returns {Update}
 */
function health(cell) {
  const show = healthMark(cell);
  return (camera) => show(camera.verdict.health);
}

/**
 * @param {HTMLElement} cell
 * @returns {Update}
 */
function reason(cell) {
  const side = h('span', { class: 'side' });
  const words = h('span', { class: 'words' });
  cell.append(side, words);
  return (camera) => {
    const { fault } = camera.verdict;
    if (side.dataset.fault !== fault) {
      side.dataset.fault = fault;
      side.replaceChildren(...(fault === 'none' ? [] : [icon(fault), h('span', {}, word('fault', fault))]));
    }
    const line = reasonLine(camera.verdict);
    setText(words, line);
    const place = fault === 'none' ? '' : t('drawer.fault', { fault: word('fault', fault) });
    setAttribute(cell, 'title', [place, line, camera.detail].filter(Boolean).join('\n') || null);
  };
}

/** @type {{ id: string, sort: string, numeric?: boolean, fill: (cell: HTMLElement) => Update }[]} */
export const COLUMNS = [
  { id: 'health', sort: 'worst', fill: health },
  { id: 'id', sort: 'id', fill: plain((camera) => camera.id) },
  { id: 'name', sort: 'name', fill: name },
  { id: 'site', sort: 'site', fill: plain((camera) => camera.site || NOTHING) },
  { id: 'phase', sort: 'phase', fill: plain((camera) => word('phase', camera.phase)) },
  { id: 'engine', sort: 'engine', fill: plain((camera) => camera.engine ?? NOTHING) },
  { id: 'server', sort: 'server', fill: plain((camera) => camera.media_server ?? NOTHING) },
  { id: 'node', sort: 'node', fill: plain((camera) => camera.node) },
  { id: 'reason', sort: 'reason', fill: reason },
  { id: 'since', sort: 'since', fill: time((camera) => camera.verdict.since, 'age') },
  { id: 'bitrate', sort: 'bitrate', numeric: true, fill: plain((camera) => bitrate(camera.bitrate_bps)) },
  { id: 'readers', sort: 'readers', numeric: true, fill: plain((camera) => number(camera.readers)) },
  { id: 'restarts', sort: 'restarts', numeric: true, fill: plain((camera) => number(camera.restarts)) },
  { id: 'retry', sort: 'retry', numeric: true, fill: time((camera) => camera.next_retry, 'until') },
];
