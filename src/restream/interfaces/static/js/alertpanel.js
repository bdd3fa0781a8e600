// Who is told of outages, what became of the last messages, and a message on trial.

import { h, setText } from './dom.js';
import { api } from './api.js';
import { number } from './format.js';
import { explain, fetchingPanel } from './panel.js';
import { table } from './table.js';
import { t, word } from './i18n.js';
import { icon } from './icons.js';
import { showTime } from './clock.js';

const EVERY_S = 5;

/** @type {Record<string, Health>} */
const AS_HEALTH = { sent: 'healthy', waiting: 'degraded', failed: 'down', dropped: 'down' };

/**
 * @param {PanelParts} parts
 * @returns {Panel}
 */
export function panel({ appear }) {
  let mayTest = true;
  let testing = false;
  const result = h('p', { class: 'note', role: 'status' });

  /** @param {string | null} receiver */
  const button = (receiver) =>
    h(
      'button',
      { type: 'button', class: 'test', disabled: !mayTest || testing, onclick: () => test(receiver) },
      t(receiver === null ? 'receivers.test_all' : 'receivers.test'),
    );
  const receivers = table(
    t('receivers.title'),
    [
      { label: t('column.name'), cell: (row) => row.name },
      { label: t('receivers.address'), cell: (row) => (row.address === row.name ? '' : row.address) },
      { label: t('receivers.routes'), cell: (row) => row.routes.join(', ') || t('receivers.everything') },
      { label: t('receivers.state'), cell: (row) => mark(row.error ? 'failed' : 'sent', row.error || t('receivers.fine')) },
      { label: t('receivers.last'), cell: (row) => time(row.last_sent) },
      { label: t('receivers.waiting'), numeric: true, cell: (row) => number(row.waiting) },
      { label: t('receivers.test'), cell: (row) => button(row.name) },
    ],
    t('receivers.none'),
  );
  const deliveries = table(
    t('receivers.messages'),
    [
      { label: t('receivers.at'), cell: (row) => time(row.at) },
      { label: t('receivers.receiver'), cell: (row) => row.receiver },
      { label: t('receivers.message'), cell: message },
      { label: t('receivers.state'), cell: (row) => mark(row.state, word('delivery', row.state)) },
      { label: t('receivers.tries'), numeric: true, cell: (row) => number(row.tries) },
      { label: t('receivers.error'), cell: (row) => row.error },
    ],
    t('receivers.no_messages'),
  );
  const children = [
    h('p', { class: 'note' }, t('receivers.text')),
    h('div', { class: 'buttons' }, button(null)),
    result,
    receivers.element,
    h('h3', {}, t('receivers.messages')),
    deliveries.element,
  ];
  const fetching = fetchingPanel({
    name: 'alerts',
    everyS: EVERY_S,
    load: (signal) => api.alerts(signal),
    show: (found) => {
      receivers.show(found.receivers);
      deliveries.show(found.deliveries);
      draw();
    },
    children,
  });

  function draw() {
    for (const each of fetching.element.querySelectorAll('button')) each.disabled = !mayTest || testing;
  }

  /** @param {string | null} receiver */
  async function test(receiver) {
    testing = true;
    draw();
    setText(result, t('action.sending'));
    try {
      const found = await api.testAlerts(receiver);
      const failed = found.filter((each) => !each.taken).map((each) => `${each.receiver}: ${each.error}`);
      setText(result, failed.length ? t('receivers.refused', { errors: failed.join('; ') }) : t('receivers.taken'));
    } catch (problem) {
      setText(result, t('action.failed', { error: explain(problem) }));
    }
    testing = false;
    draw();
    if (!fetching.element.hidden) fetching.enter();
  }

  return {
    ...fetching,
    begin: async () => appear(((await api.alerts().catch(() => null))?.receivers ?? []).length > 0),
    session(session) {
      mayTest = session?.may_write ?? true;
      draw();
    },
  };
}

/**
 * What was told, as a way to the incident that it is about.
 * @param {{ telling: string, text: string, incident?: string }} row
 */
function message({ telling, text, incident }) {
  const words = `${word('telling', telling)}: ${text}`;
  return incident ? h('a', { href: `#tab=incidents&incident=${encodeURIComponent(incident)}` }, words) : words;
}

/**
 * @param {string} state
 * @param {string} text
 */
function mark(state, text) {
  const health = AS_HEALTH[state] ?? 'unknown';
  return h('span', { class: 'mark', 'data-health': health }, icon(health), ' ', h('bdi', {}, text));
}

/** @param {string | null} moment */
function time(moment) {
  if (!moment) return '–';
  const element = h('time');
  showTime(element, moment, 'ago');
  return element;
}
