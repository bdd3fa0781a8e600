// The cameras table as a file, and what a changed file would do to it: for those who may configure.

import { h, setText } from './dom.js';
import { api, messageOf } from './api.js';
import { table } from './table.js';
import { t, word } from './i18n.js';
import { icon } from './icons.js';

/** @type {Record<string, Health>} */
const AS_HEALTH = { new: 'healthy', changed: 'degraded', refused: 'down' };

/**
 * @param {PanelParts} parts
 * @returns {Panel}
 */
export function panel({ appear }) {
  const rows = table(
    t('tab.rows'),
    [
      { label: t('rows.line'), numeric: true, cell: (row) => (row.line === null ? '' : String(row.line)) },
      { label: t('rows.effect'), cell: (row) => mark(row) },
      { label: t('column.id'), cell: (row) => row.id },
      { label: t('column.name'), cell: (row) => row.name },
      { label: t('rows.changes'), cell: (row) => row.problem || changes(row) },
    ],
    t('rows.none'),
  );
  const file = h('input', { type: 'file', id: 'rows-file', accept: '.csv,text/csv', required: true });
  const submit = h('button', { type: 'submit', class: 'primary' }, t('rows.compare'));
  const error = h('p', { class: 'error', role: 'alert' });
  const counts = h('p', { class: 'note', role: 'status' });
  const sql = h('textarea', { id: 'rows-sql', readonly: true, rows: 12, spellcheck: 'false' });
  const statements = h('div', { hidden: true }, h('label', { for: 'rows-sql' }, t('rows.sql')), sql);
  const result = h('div', { hidden: true }, counts, rows.element, statements);

  /** @param {SubmitEvent} event */
  const compare = async (event) => {
    event.preventDefault();
    const chosen = file.files?.[0];
    if (!chosen) return;
    submit.disabled = true;
    result.hidden = true;
    setText(error, '');
    try {
      const found = await api.compareRows(chosen, {});
      setText(counts, t('rows.counts', { ...found.counts }));
      rows.show(found.rows);
      sql.value = found.sql ?? '';
      statements.hidden = !found.sql;
      result.hidden = false;
    } catch (problem) {
      setText(error, messageOf(problem));
    } finally {
      submit.disabled = false;
    }
  };
  const element = h(
    'div',
    { class: 'panel row-files', hidden: true },
    h('h2', { class: 'visually-hidden' }, t('tab.rows')),
    h('p', { class: 'note' }, t('rows.text')),
    h('p', {}, h('a', { class: 'button', href: 'api/rows.csv', download: 'rows.csv' }, t('rows.export'))),
    h('form', { class: 'rows-form', onsubmit: compare }, h('label', { for: 'rows-file' }, t('rows.file')), file, submit),
    error,
    result,
  );
  return {
    element,
    enter() {},
    leave() {
      // Statements hold passwords: they are not left on the screen.
      sql.value = '';
      result.hidden = true;
    },
    session: (session) => appear(session?.authenticated === true && session.role === 'configure' && session.sites === null),
  };
}

/** @param {RowOfFile} row */
function changes(row) {
  return row.cells
    .map(({ column, old, new: now }) => (row.effect === 'new' ? `${column}: ${now}` : `${column}: ${old || '–'} → ${now || '–'}`))
    .join('; ');
}

/** @param {RowOfFile} row */
function mark(row) {
  const health = AS_HEALTH[row.effect] ?? 'unknown';
  return h('span', { class: 'mark', 'data-health': health }, icon(health), ' ', word('rows.effect', row.effect));
}
