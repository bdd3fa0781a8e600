// Plain tables of the smaller panels.

import { h, memo } from './dom.js';

/**
 * Columns: `{label, numeric, unseen, cell(row) → node or text}`; an `unseen` label is only read out. Rows are made anew only when they changed.
 * @template Row
 * @param {string} caption
 * @param {Column<Row>[]} columns
 * @param {string} empty
 */
export function table(caption, columns, empty) {
  const body = h('tbody');
  const show = memo(body);
  const head = h(
    'tr',
    {},
    columns.map(({ label, numeric, unseen }) =>
      h('th', { scope: 'col', class: numeric ? 'numeric' : null }, unseen ? h('span', { class: 'visually-hidden' }, label) : label),
    ),
  );
  // What has not been told yet is not "nothing".
  const nothing = h('p', { class: 'nothing', hidden: true }, empty);
  const grid = h('table', { hidden: true }, h('caption', { class: 'visually-hidden' }, caption), h('thead', {}, head), body);
  const element = h('div', { class: 'table-box', role: 'region', 'aria-label': caption, tabindex: '0' }, grid, nothing);
  /** @param {Row} row */
  const build = (row) =>
    h(
      'tr',
      {},
      columns.map(({ label, numeric, unseen, cell }) =>
        h('td', { class: numeric ? 'numeric' : null, 'data-label': unseen ? '' : label }, isolatedCell(cell(row))),
      ),
    );
  return {
    element,
    /** @param {Row[]} rows */
    show(rows) {
      grid.hidden = rows.length === 0;
      nothing.hidden = rows.length > 0;
      show(rows, () => rows.map(build));
    },
  };
}

/** @param {Child} content */
function isolatedCell(content) {
  return typeof content === 'string' ? h('bdi', {}, content) : content;
}
