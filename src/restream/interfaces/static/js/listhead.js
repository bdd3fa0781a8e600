// Column heads: they name, explain and sort.

import { h, setAttribute } from './dom.js';
import { COLUMNS } from './columns.js';
import { SORTS, nextSort } from './view.js';
import { t } from './i18n.js';
import { icon } from './icons.js';

export function listHead(route) {
  const cells = COLUMNS.map((column) => {
    const sort = () => route.change({ sort: nextSort(route.now.sort, column.sort) });
    const control = h(
      'button',
      { type: 'button', class: 'sorter', title: t(`column.${column.id}.title`), onclick: sort },
      t(`column.${column.id}`),
    );
    return h('div', { role: 'columnheader', class: `cell ${column.id}${column.numeric ? ' numeric' : ''}` }, control);
  });
  const element = h(
    'div',
    { role: 'rowgroup', class: 'list-head' },
    h('div', { role: 'row', class: 'row head', 'aria-rowindex': 1 }, cells),
  );
  let shown;
  return {
    element,
    update({ sort }) {
      if (sort === shown) return;
      shown = sort;
      const name = sort.replace('-', '');
      COLUMNS.forEach((column, position) => {
        const cell = cells[position];
        cell.querySelector('.icon')?.remove();
        const active = column.sort === name;
        const ascending = SORTS[column.sort].ascending !== sort.startsWith('-');
        setAttribute(cell, 'aria-sort', active ? (ascending ? 'ascending' : 'descending') : null);
        if (active) cell.firstChild.append(icon(ascending ? 'ascending' : 'descending'));
      });
    },
  };
}
