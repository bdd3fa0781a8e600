// What is looked at lives in the address, so that it can be shared and survives a reload.

import { FAULTS, HEALTHS } from './store.js';

export const TABS = ['cameras', 'unmanaged', 'events', 'visionaire', 'host'];
export const GROUPS = ['none', 'site', 'host', 'cause'];
const TEXTS = ['q', 'site', 'type', 'camera'];

function among(text, known) {
  return (text ?? '').split(',').filter((value) => known.includes(value));
}

export function parse(hash) {
  const values = new URLSearchParams(hash.replace(/^#/, ''));
  const texts = TEXTS.map((name) => [name, values.get(name)]);
  return {
    ...Object.fromEntries(texts),
    q: values.get('q') ?? '',
    tab: TABS.includes(values.get('tab')) ? values.get('tab') : 'cameras',
    health: among(values.get('health'), HEALTHS),
    fault: among(values.get('fault'), FAULTS),
    group: GROUPS.includes(values.get('group')) ? values.get('group') : 'none',
    sort: /^-?[a-z]+$/.test(values.get('sort') ?? '') ? values.get('sort') : 'worst',
    stills: values.get('stills') === '1',
  };
}

export function write(route) {
  const values = new URLSearchParams();
  if (route.tab !== 'cameras') values.set('tab', route.tab);
  for (const name of ['health', 'fault']) if (route[name].length) values.set(name, route[name].join(','));
  if (route.q) values.set('q', route.q);
  for (const name of ['site', 'type']) if (route[name] !== null) values.set(name, route[name]);
  if (route.group !== 'none') values.set('group', route.group);
  if (route.sort !== 'worst') values.set('sort', route.sort);
  if (route.stills) values.set('stills', '1');
  if (route.camera !== null) values.set('camera', route.camera);
  const text = values.toString();
  return text ? `#${text}` : '#';
}

export class Route {
  #listeners = new Set();

  constructor() {
    this.now = parse(location.hash);
    // Back, forward, and an address pasted into the bar.
    for (const event of ['popstate', 'hashchange']) window.addEventListener(event, () => this.#reread());
  }

  subscribe(listener) {
    this.#listeners.add(listener);
  }

  /** Changes some values. `step`: worth a step of the back button. */
  change(values, { step = false } = {}) {
    const next = { ...this.now, ...values };
    const text = write(next);
    if (text === write(this.now)) return;
    history[step ? 'pushState' : 'replaceState'](null, '', text);
    this.#set(next);
  }

  #reread() {
    const next = parse(location.hash);
    if (write(next) !== write(this.now)) this.#set(next);
  }

  #set(next) {
    const before = this.now;
    this.now = next;
    for (const listener of this.#listeners) listener(next, before);
  }
}
