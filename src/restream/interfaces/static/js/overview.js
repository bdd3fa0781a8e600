// The strip on top: how many are how, where it breaks, what the service depends on, how the host is.

import { h, setAttribute, setText } from './dom.js';
import { number, percent, celsius } from './format.js';
import { FAULTS, HEALTHS } from './store.js';
import { t, word } from './i18n.js';
import { icon } from './icons.js';
import { showTime } from './clock.js';

function toggled(list, value) {
  return list.includes(value) ? list.filter((each) => each !== value) : [...list, value];
}

function counter(group, value, route) {
  const name = group === 'health' ? 'health' : 'fault';
  const press = () => route.change({ [name]: toggled(route.now[name], value), tab: 'cameras' });
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
    update(counts, chosen) {
      const amount = counts?.[value] ?? 0;
      setText(count, counts ? number(amount) : '–');
      element.classList.toggle('zero', amount === 0);
      setAttribute(element, 'aria-pressed', String(chosen.includes(value)));
    },
  };
}

export function overview(route) {
  const healths = HEALTHS.map((value) => counter('health', value, route));
  const faults = FAULTS.map((value) => counter('fault', value, route));
  const components = h('ul', { class: 'components', 'aria-label': t('overview.components') });
  const gauges = h('ul', { class: 'gauges', 'aria-label': t('overview.host') });
  const queue = startQueue();
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
    h('div', { class: 'resources' }, components, gauges),
    queue.element,
  );
  const chips = new Map();
  const meters = new Map();
  return {
    element,
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

const COMPONENT_ICON = { up: 'up', down: 'down', unknown: 'unknown' };

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
    setAttribute(chip.element, 'title', part.detail || null);
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

const HIGH = 0.85;
const FULL = 0.95;

/** A bar with its number; beyond the thresholds a word says so too. */
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

/** What the gauges show, from a sample of the host: key, label, share of one, text. */
export function readings(host) {
  const found = [];
  const add = (key, label, share, text, note) => found.push({ key, label, share, text, note });
  const share = (value) => percent(value / 100, 0);
  if (host.cpu_percent !== undefined && host.cpu_percent !== null)
    add(
      'cpu',
      t('host.cpu'),
      host.cpu_percent / 100,
      share(host.cpu_percent),
      t('host.cores', { count: host.cores ?? 0 }),
    );
  if (host.memory) add('memory', t('host.memory'), host.memory.percent / 100, share(host.memory.percent));
  const disk = [...(host.disks ?? [])].sort((a, b) => b.percent - a.percent)[0];
  if (disk) add('disk', t('host.disk'), disk.percent / 100, share(disk.percent), disk.mount);
  const hottest = [...(host.temperatures ?? [])].sort((a, b) => b.celsius - a.celsius)[0];
  if (hottest)
    add(
      'temperature',
      t('host.temperature'),
      hottest.celsius / (hottest.high_celsius ?? 100),
      celsius(hottest.celsius),
      hottest.sensor,
    );
  return found;
}

function showGauges(list, meters, host) {
  const found = readings(host);
  for (const { key, label, share, text, note } of found) {
    if (!meters.has(key)) {
      meters.set(key, meter(label));
      list.append(meters.get(key).element);
    }
    meters.get(key).show(share, text, note);
  }
  for (const [key, each] of meters) each.element.hidden = !found.some((reading) => reading.key === key);
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
    update({ start_queue: waiting = 0, phase = {}, cameras = 0 }) {
      element.hidden = !waiting;
      if (!waiting) return;
      const running = phase.running ?? 0;
      const total = Math.max(1, cameras - (phase.disabled ?? 0));
      const starting = (phase.probing ?? 0) + (phase.starting ?? 0);
      setText(text, t('queue.text', { running, total, starting, waiting }));
      fill.style.width = `${(running / total) * 100}%`;
      setAttribute(bar, 'aria-valuenow', Math.round((running / total) * 100));
    },
  };
}
