// Who did what, newest first: for those who may configure.

import { h } from './dom.js';
import { api } from './api.js';
import { full, moment } from './format.js';
import { fetchingPanel } from './panel.js';
import { table } from './table.js';
import { known, t, word } from './i18n.js';
import { icon } from './icons.js';

const EVERY_S = 5;
const SHOWN = 300;
/** @type {Record<string, Health>} */
const AS_HEALTH = { done: 'healthy', refused: 'degraded', failed: 'down' };

/**
 * @param {PanelParts} parts
 * @returns {Panel}
 */
export function panel({ appear }) {
  const entries = table(
    t('tab.audit'),
    [
      { label: t('audit.at'), cell: (row) => h('time', { datetime: row.at, title: full(row.at) }, moment(row.at)) },
      { label: t('audit.who'), cell: (row) => row.who || t('audit.nobody') },
      { label: t('audit.action'), cell: (row) => named(row.action) },
      { label: t('audit.target'), cell: (row) => row.target },
      { label: t('audit.result'), cell: (row) => mark(row) },
      { label: t('audit.detail'), cell: (row) => row.detail },
      { label: t('audit.address'), cell: (row) => row.address },
      { label: t('column.node'), cell: (row) => row.node },
    ],
    t('audit.none'),
  );
  const fetching = fetchingPanel({
    name: 'audit',
    everyS: EVERY_S,
    load: (signal) => api.audit({ limit: SHOWN }, signal),
    show: (found) => entries.show([...found].reverse()),
    children: [h('p', { class: 'note' }, t('audit.text')), entries.element],
  });
  return {
    ...fetching,
    // It is of the whole fleet: who sees some sites alone is refused.
    session: (session) => appear(session?.authenticated === true && session.role === 'configure' && !session.sites),
  };
}

/** @param {string} action */
function named(action) {
  const last = action.split('/').at(-1) ?? '';
  return known(`audit.action.${action}`) ? t(`audit.action.${action}`) : known(`action.${last}`) ? t(`action.${last}`) : action;
}

/** @param {AuditEntry} entry */
function mark(entry) {
  const health = AS_HEALTH[entry.result] ?? 'unknown';
  return h('span', { class: 'mark', 'data-health': health }, icon(health), ' ', word('audit.result', entry.result));
}
