// Column heads: they name, explain and sort.

import { h, setAttribute } from './dom.js';
import { COLUMNS } from './columns.js';
import { SORTS, nextSort } from './view.js';
import { t } from './i18n.js';
import { icon } from './icons.js';

/** @param {Route} route */
export function listHead(route) {
  const heads = COLUMNS.map((column) => {
    const sort = () => route.change({ sort: nextSort(route.now.sort, column.sort) });
    const control = h(
      'button',
      { type: 'button', class: 'sorter', title: t(`column.${column.id}.title`), onclick: sort },
      t(`column.${column.id}`),
    );
    const place = `cell ${column.id}${column.numeric ? ' numeric' : ''}`;
    return { control, cell: h('div', { role: 'columnheader', class: place }, control) };
  });
  const element = h(
    'div',
    { role: 'rowgroup', class: 'list-head' },
    h(
      'div',
      { role: 'row', class: 'row head', 'aria-rowindex': 1 },
      heads.map(({ cell }) => cell),
    ),
  );
  /** @type {string | undefined} */
  let shown;
  return {
    element,
    /** @param {ListColumn[]} columns */
    fit(columns) {
      COLUMNS.forEach((column, position) => (heads[position].cell.hidden = !columns.includes(column)));
    },
    /** @param {View} view */
    update({ sort }) {
      if (sort === shown) return;
      shown = sort;
      const name = sort.replace('-', '');
      COLUMNS.forEach((column, position) => {
        const { cell, control } = heads[position];
        cell.querySelector('.icon')?.remove();
        const active = column.sort === name;
        const ascending = SORTS[column.sort].ascending !== sort.startsWith('-');
        setAttribute(cell, 'aria-sort', active ? (ascending ? 'ascending' : 'descending') : null);
        if (active) control.append(icon(ascending ? 'ascending' : 'descending'));
      });
    },
  };
}
