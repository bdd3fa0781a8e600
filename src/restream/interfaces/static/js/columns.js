// The columns of the camera list: what each shows, how it sorts, and how much room it wants.

import { h, setAttribute, setText } from './dom.js';
import { bitrate, NOTHING, number } from './format.js';
import { t, word } from './i18n.js';
import { icon } from './icons.js';
import { said } from './phrases.js';
import { reasonLine } from './reasons.js';
import { showTime } from './clock.js';

/**
 * @typedef {(camera: Camera) => void} Update
 * @param {(camera: Camera) => string} show
 * @returns {(cell: HTMLElement) => Update}
 */
function plain(show) {
  return (cell) => {
    const text = h('bdi');
    cell.append(text);
    return (camera) => {
      const value = show(camera);
      setText(text, value);
      setAttribute(cell, 'title', value === NOTHING || value === '' ? null : value);
    };
  };
}

/**
 * A text that the column may be made as wide as.
 * @param {(camera: Camera) => string} text
 */
const spelled = (text) => ({ text, fill: plain(text) });

/** @param {Camera} camera */
function nameOf(camera) {
  return camera.name || t('list.unnamed', { id: camera.id });
}

// The name shares its cell with the picture, and is the link that the row is; the list says where to.
/** @param {HTMLElement} cell */
function name(cell) {
  const link = h('a', { class: 'words', tabindex: '-1' });
  cell.append(link);
  return plain(nameOf)(link);
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
    setAttribute(cell, 'title', [place, line, said(camera.detail)].filter(Boolean).join('\n') || null);
  };
}

/**
 * A column is `least` wide, or as its longest text, at most `most` (rem): a `whole` one always, another one where there
 * is room; what is left goes to those that `grow`. `drop`: the highest goes first where there is no room; 0 stays.
 * `asked`: shown when it is asked for; `narrow`: has a place where there is no room for a table.
 * @type {ListColumn[]}
 */
export const COLUMNS = [
  { id: 'health', sort: 'worst', least: 8.7, drop: 0, narrow: true, fill: health },
  { id: 'id', sort: 'id', least: 3.6, most: 25, whole: true, drop: 0, ...spelled((camera) => camera.id) },
  { id: 'name', sort: 'name', least: 8, most: 20, grow: 2, drop: 0, narrow: true, text: nameOf, fill: name },
  {
    ...{ id: 'site', sort: 'site', least: 5.4, most: 16, whole: true, drop: 3, narrow: true },
    ...spelled((camera) => camera.site || NOTHING),
  },
  {
    ...{ id: 'phase', sort: 'phase', least: 6.5, most: 12, whole: true, drop: 5 },
    ...spelled((camera) => word('phase', camera.phase)),
  },
  { id: 'engine', sort: 'engine', least: 5.2, drop: 1, asked: true, ...spelled((camera) => camera.engine ?? NOTHING) },
  {
    ...{ id: 'server', sort: 'server', least: 5.2, most: 10, whole: true, drop: 1, asked: true },
    ...spelled((camera) => camera.media_server ?? NOTHING),
  },
  {
    ...{ id: 'node', sort: 'node', least: 5.2, most: 10, whole: true, drop: 1, asked: true },
    ...spelled((camera) => camera.node),
  },
  { id: 'reason', sort: 'reason', least: 9, grow: 3, drop: 0, narrow: true, fill: reason },
  {
    ...{ id: 'since', sort: 'since', least: 5.9, drop: 0, narrow: true },
    fill: time((camera) => camera.verdict.since, 'age'),
  },
  {
    ...{ id: 'bitrate', sort: 'bitrate', least: 7, drop: 2, narrow: true, numeric: true },
    fill: plain((camera) => bitrate(camera.bitrate_bps)),
  },
  {
    ...{ id: 'readers', sort: 'readers', least: 5.3, drop: 6, numeric: true },
    fill: plain((camera) => number(camera.readers)),
  },
  {
    ...{ id: 'restarts', sort: 'restarts', least: 7.4, drop: 7, numeric: true },
    fill: plain((camera) => number(camera.restarts)),
  },
  {
    ...{ id: 'retry', sort: 'retry', least: 8.2, drop: 4, numeric: true },
    fill: time((camera) => camera.next_retry, 'until'),
  },
];
