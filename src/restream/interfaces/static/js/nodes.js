// The services that share the cameras: which are there, how busy they are, what each has.

import { h } from './dom.js';
import { api } from './api.js';
import { number, percent } from './format.js';
import { fetchingPanel } from './panel.js';
import { table } from './table.js';
import { t, word } from './i18n.js';
import { icon } from './icons.js';
import { showTime } from './clock.js';

const EVERY_S = 3;

/** @type {Record<string, Health>} */
const AS_HEALTH = { alive: 'healthy', draining: 'degraded', lost: 'down' };

/**
 * @param {PanelParts} parts
 * @returns {Panel}
 */
export function panel({ store, route, appear }) {
  const nodes = table(
    t('tab.nodes'),
    [
      { label: t('column.node'), cell: (row) => name(row) },
      { label: t('nodes.state'), cell: (row) => mark(row) },
      { label: t('nodes.heard'), cell: (row) => time(row.heard) },
      { label: t('tab.cameras'), numeric: true, cell: (row) => shown(row, route) },
      { label: t('health.down'), numeric: true, cell: (row) => number(row.health.down ?? 0) },
      { label: t('nodes.room'), numeric: true, cell: (row) => (row.room === null ? '∞' : number(row.room)) },
      { label: t('nodes.cpu'), numeric: true, cell: (row) => share(row.cpu_percent) },
      { label: t('nodes.memory'), numeric: true, cell: (row) => share(row.memory_percent) },
      { label: t('column.site'), cell: (row) => row.sites.join(', ') },
      { label: t('nodes.version'), cell: (row) => row.version },
      { label: t('nodes.trouble'), cell: (row) => trouble(row) },
    ],
    t('nodes.none'),
  );
  const fetching = fetchingPanel({
    name: 'nodes',
    everyS: EVERY_S,
    load: api.nodes,
    // The rest of a lease changes every time, and is not shown.
    show: (found) => nodes.show(found.nodes.map((node) => ({ ...node, lease_s: null }))),
    children: [h('p', { class: 'note' }, t('nodes.text')), nodes.element],
  });
  return {
    ...fetching,
    show({ status }) {
      if (status) appear(Object.keys(store.status?.nodes ?? {}).length > 0);
    },
  };
}

/** @param {NodeOfFleet} node */
function name(node) {
  if (!node.url || !/^https?:\/\//.test(node.url)) return node.name;
  return h('a', { href: node.url, title: t('nodes.page'), rel: 'noreferrer' }, node.name);
}

/** @param {NodeOfFleet} node */
function mark(node) {
  const health = AS_HEALTH[node.state] ?? 'unknown';
  return h('span', { class: 'mark', 'data-health': health }, icon(health), ' ', word('nodes.state', node.state));
}

/** @param {Moment} heard */
function time(heard) {
  if (!heard) return '–';
  const element = h('time');
  showTime(element, heard, 'ago');
  return element;
}

/**
 * @param {NodeOfFleet} node
 * @param {Route} route
 */
function shown(node, route) {
  const show = () => route.change({ tab: 'cameras', node: node.name }, { step: true });
  return h('button', { type: 'button', class: 'link', title: t('nodes.show'), onclick: show }, number(node.cameras));
}

/** @param {NodeOfFleet} node */
function trouble(node) {
  const down = (node.down ?? []).map((each) => word('component', each));
  const said = down.length ? t('nodes.down', { names: down.join(', ') }) : '';
  return [said, node.problem].filter(Boolean).join(' · ');
}

/** @param {Amount} value */
function share(value) {
  return value === null || value === undefined ? '–' : percent(value / 100, 0);
}
