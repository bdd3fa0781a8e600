// The strip on top: how many are how, where it breaks, what the service depends on, how the host is.

import { h, setAttribute, setText } from './dom.js';
import { number } from './format.js';
import { FAULTS, HEALTHS } from './store.js';
import { t, word } from './i18n.js';
import { fold } from './fold.js';
import { icon } from './icons.js';
import { said } from './phrases.js';
import { showGauges } from './gauges.js';
import { showTime } from './clock.js';

/** @typedef {{ time: HTMLTimeElement, state: HTMLElement, element: HTMLElement }} Chip */

/**
 * @param {string[]} list
 * @param {string} value
 */
function toggled(list, value) {
  return list.includes(value) ? list.filter((each) => each !== value) : [...list, value];
}

/**
 * @param {'health' | 'fault'} group
 * @param {Health | Fault} value
 * @param {Route} route
 */
function counter(group, value, route) {
  const press = () => route.change({ [group]: toggled(route.now[group], value), tab: 'cameras' }, { step: true });
  const count = h('span', { class: 'amount' }, '–');
  const element = h(
    'button',
    {
      type: 'button',
      class: `counter ${group}`,
      'data-health': group === 'health' ? value : null,
      'data-value': value,
      'aria-pressed': 'false',
      onclick: press,
    },
    icon(value),
    count,
    h('span', { class: 'label' }, word(group, value)),
  );
  return {
    element,
    /**
     * @param {Partial<Record<string, number>> | undefined} counts
     * @param {string[]} chosen
     */
    update(counts, chosen) {
      const amount = counts?.[value] ?? 0;
      setText(count, counts ? number(amount) : '–');
      element.classList.toggle('zero', amount === 0);
      setAttribute(element, 'aria-pressed', String(chosen.includes(value)));
    },
  };
}

/** @param {Route} route */
export function overview(route) {
  const healths = HEALTHS.map((value) => counter('health', value, route));
  const faults = FAULTS.map((value) => counter('fault', value, route));
  const components = h('ul', { class: 'components', 'aria-label': t('overview.components') });
  const gauges = h('ul', { class: 'gauges', 'aria-label': t('overview.host') });
  const queue = startQueue();
  const resources = h('div', { class: 'resources' }, components, gauges);
  const element = h(
    'section',
    { class: 'overview', 'aria-label': t('overview.label') },
    h(
      'div',
      { class: 'counters', role: 'group', 'aria-label': t('overview.health') },
      healths.map((each) => each.element),
    ),
    h(
      'div',
      { class: 'faults', role: 'group', 'aria-label': t('overview.fault') },
      h('span', { class: 'caption' }, t('overview.fault')),
      faults.map((each) => each.element),
    ),
    fold(t('overview.more'), resources),
    resources,
    queue.element,
  );
  /** @type {Map<string, Chip>} */
  const chips = new Map();
  /** @type {Map<string, import('./gauges.js').Meter>} */
  const meters = new Map();
  return {
    element,
    /** @param {{ status: Status | null, host: Host | null }} known */
    update({ status, host }) {
      for (const each of healths) each.update(status?.health, route.now.health);
      for (const each of faults) each.update(status?.fault, route.now.fault);
      if (status) {
        showComponents(components, chips, status);
        queue.update(status);
      }
      if (host) showGauges(gauges, meters, host);
    },
  };
}

/** @type {Record<string, string>} */
const COMPONENT_ICON = { up: 'up', down: 'down', unknown: 'unknown' };

/**
 * @param {HTMLElement} list
 * @param {Map<string, Chip>} chips
 * @param {Status} status
 */
function showComponents(list, chips, status) {
  const parts = Object.entries(status.components ?? {});
  for (const [name, part] of parts) {
    let chip = chips.get(name);
    if (!chip) {
      const time = h('time');
      const state = h('span', { class: 'state' });
      chip = {
        time,
        state,
        element: h('li', { class: 'chip' }, h('span', { class: 'chip-name' }, word('component', name)), state, time),
      };
      chips.set(name, chip);
      list.append(chip.element);
    }
    if (chip.element.dataset.state !== part.state) {
      chip.element.dataset.state = part.state;
      chip.element.querySelector('.icon')?.remove();
      chip.element.prepend(icon(COMPONENT_ICON[part.state] ?? 'unknown'));
    }
    setText(chip.state, word('state', part.state));
    setAttribute(chip.element, 'title', said(part.detail) || null);
    // What the media server showed last may be old although everything is still on the screen.
    if (name === 'mediamtx' && part.state !== 'up' && status.observed) showTime(chip.time, status.observed, 'ago');
    else showTime(chip.time, part.since, 'age');
  }
  for (const [name, chip] of chips) {
    if (name in status.components) continue;
    chip.element.remove();
    chips.delete(name);
  }
}

/** While a fleet comes up: how far it is. */
function startQueue() {
  const fill = h('span', { class: 'fill' });
  const bar = h(
    'span',
    { class: 'bar', role: 'progressbar', 'aria-label': t('queue.label'), 'aria-valuemin': 0, 'aria-valuemax': 100 },
    fill,
  );
  const text = h('span', { class: 'queue-text' });
  const element = h('div', { class: 'queue', hidden: true }, text, bar);
  return {
    element,
    /** @param {Status} status */
    update({ start_queue: waiting = 0, start_window: starts, phase = {}, cameras = 0 }) {
      element.hidden = !waiting;
      if (!waiting) return;
      const running = (phase.running ?? 0) + (phase.idle ?? 0);
      const total = Math.max(1, cameras - (phase.disabled ?? 0));
      const starting = (phase.probing ?? 0) + (phase.starting ?? 0);
      const slowed = starts?.slowed_hosts ?? 0;
      const words = t('queue.text', { running, total, starting, waiting, window: starts?.window ?? 0 });
      setText(text, slowed ? `${words} ${t('queue.slowed', { count: slowed })}` : words);
      fill.style.width = `${(running / total) * 100}%`;
      setAttribute(bar, 'aria-valuenow', Math.round((running / total) * 100));
    },
  };
}
