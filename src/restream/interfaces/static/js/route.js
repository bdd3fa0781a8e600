// What is looked at lives in the address, so that it can be shared and survives a reload.

import { FILTER_NAMES, ofEach } from './filters.js';
import { PANELS } from './panels.js';
import { FAULTS, HEALTHS } from './store.js';
import { SORTS } from './view.js';

/** @typedef {(now: View, before: View) => void} RouteListener */

export const TABS = ['cameras', ...PANELS.map(({ id }) => id)];
/** @type {Grouping[]} */
export const GROUPS = ['none', 'site', 'host', 'cause'];
/**
 * Columns that are shown when they are asked for.
 * @type {MoreColumn[]}
 */
export const MORE_COLUMNS = ['engine', 'server', 'node'];

/**
 * @template {string} Word
 * @param {string | null} text
 * @param {Word[]} known
 */
function among(text, known) {
  return (text ?? '').split(',').flatMap((value) => known.filter((each) => each === value));
}

/** @param {string} text */
function sortOf(text) {
  return Object.hasOwn(SORTS, text.replace(/^-/, '')) ? text : 'worst';
}

/**
 * What the address says to the panel alone that is shown.
 * @param {string} tab
 * @param {URLSearchParams} values
 */
function ownOf(tab, values) {
  const keys = PANELS.find(({ id }) => id === tab)?.keys ?? [];
  const own = Object.fromEntries(keys.map((key) => [key, values.get(key) ?? '']).filter(([, value]) => value));
  return Object.keys(own).length ? { own } : {};
}

/**
 * @param {string} hash
 * @returns {View}
 */
export function parse(hash) {
  const values = new URLSearchParams(hash.replace(/^#/, ''));
  // Messages of the service link to an incident by its id alone.
  const usual = values.has('incident') ? 'incidents' : 'cameras';
  const tab = TABS.find((each) => each === values.get('tab')) ?? usual;
  return {
    q: values.get('q') ?? '',
    ...ofEach((name) => values.get(name)),
    camera: values.get('camera'),
    tab,
    ...ownOf(tab, values),
    health: among(values.get('health'), HEALTHS),
    fault: among(values.get('fault'), FAULTS),
    group: GROUPS.find((each) => each === values.get('group')) ?? 'none',
    sort: sortOf(values.get('sort') ?? ''),
    stills: values.get('stills') === '1',
    columns: among(values.get('columns'), MORE_COLUMNS),
  };
}

/** @param {View} route */
export function write(route) {
  const values = new URLSearchParams();
  if (route.tab !== 'cameras') values.set('tab', route.tab);
  for (const [key, value] of Object.entries(route.own ?? {})) if (value) values.set(key, value);
  if (route.health.length) values.set('health', route.health.join(','));
  if (route.fault.length) values.set('fault', route.fault.join(','));
  if (route.q) values.set('q', route.q);
  for (const name of FILTER_NAMES) {
    const value = route[name];
    if (value !== null) values.set(name, value);
  }
  if (route.group !== 'none') values.set('group', route.group);
  if (route.sort !== 'worst') values.set('sort', route.sort);
  if (route.stills) values.set('stills', '1');
  if (route.columns.length) values.set('columns', route.columns.join(','));
  if (route.camera !== null) values.set('camera', route.camera);
  const text = values.toString();
  return text ? `#${text}` : '#';
}

export class Route {
  /** @type {Set<RouteListener>} */
  #listeners = new Set();

  constructor() {
    this.now = parse(location.hash);
    // Back, forward, and an address pasted into the bar.
    for (const event of ['popstate', 'hashchange']) window.addEventListener(event, () => this.#reread());
  }

  /** @param {RouteListener} listener */
  subscribe(listener) {
    this.#listeners.add(listener);
  }

  /**
   * Changes some values. `step`: worth a step of the back button. What a panel has of its own goes with it.
   * @param {Partial<View>} values
   */
  change(values, { step = false } = {}) {
    const stays = (values.tab ?? this.now.tab) === this.now.tab;
    const next = { ...this.now, own: stays ? this.now.own : undefined, ...values };
    const text = write(next);
    if (text === write(this.now)) return;
    history[step ? 'pushState' : 'replaceState'](null, '', text);
    this.#set(next);
  }

  #reread() {
    const next = parse(location.hash);
    if (write(next) !== write(this.now)) this.#set(next);
  }

  /** @param {View} next */
  #set(next) {
    const before = this.now;
    this.now = next;
    for (const listener of this.#listeners) listener(next, before);
  }
}
