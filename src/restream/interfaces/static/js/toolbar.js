// Search, filters and grouping above the list.

import { h, setAttribute, setText } from './dom.js';
import { FILTERS, FILTER_NAMES, asked, ofEach } from './filters.js';
import { collator } from './format.js';
import { GROUPS, MORE_COLUMNS } from './route.js';
import { t, word } from './i18n.js';
import { checks } from './checks.js';
import { fold } from './fold.js';
import { icon } from './icons.js';

const TYPING_MS = 120;

/**
 * @param {string} label
 * @param {(value: string) => void} onchange
 */
function choice(label, onchange) {
  const select = h('select', { 'aria-label': label });
  select.addEventListener('change', () => onchange(select.value));
  return select;
}

/**
 * Options of a filter: all, then every value. Where there is nothing to choose it is not shown.
 * @param {HTMLSelectElement} select
 * @param {import('./filters.js').Filter} filter
 * @param {Map<string, number>} counts
 * @param {string | null} chosen
 */
function fillOptions(select, filter, counts, chosen) {
  const { name = String } = FILTERS[filter];
  const values = [...counts.keys()].sort((a, b) => collator().compare(name(a), name(b)));
  if (chosen !== null && !counts.has(chosen)) values.push(chosen);
  const key = JSON.stringify([values, chosen]);
  if (select.dataset.shown === key) return;
  select.dataset.shown = key;
  select.hidden = values.length < 2 && chosen === null;
  const options = values.map((value) =>
    h('option', { value: `=${value}`, selected: value === chosen }, name(value) || t(`filter.${filter}.none`)),
  );
  const all = h('option', { value: '', selected: chosen === null }, t(`filter.${filter}.all`));
  select.replaceChildren(all, ...options);
}

/**
 * Columns that are shown when they are asked for.
 * @param {Route} route
 */
function columnChoice(route) {
  const boxes = checks('column-choice', t('columns.more'), MORE_COLUMNS, (name) => t(`column.${name}`), () =>
    route.change({ columns: MORE_COLUMNS.filter((name) => boxes.isChecked(name)) }),
  );
  return {
    element: boxes.element,
    /** @param {View} view */
    update({ columns }) {
      for (const name of MORE_COLUMNS) boxes.check(name, columns.includes(name));
    },
  };
}

/** @param {{ store: Store, route: Route, summary: HTMLElement, alerts: HTMLElement, tools: HTMLElement[] }} parts */
export function toolbar({ store, route, summary, alerts, tools }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;
  /** The search that is being typed, of which each letter is no step of the back button. */
  let current = '';
  const typed = () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      typing = undefined;
      const q = search.value.trim();
      const same = current !== '' && current === route.now.q;
      current = q;
      route.change({ q }, { step: !same });
    }, TYPING_MS);
  };
  const search = h('input', {
    type: 'search',
    class: 'search',
    placeholder: t('search.placeholder'),
    'aria-label': t('search.label'),
    'aria-keyshortcuts': '/',
    autocomplete: 'off',
    spellcheck: 'false',
    oninput: typed,
  });
  const filters = ofEach((name) =>
    choice(t(`filter.${name}`), (value) =>
      route.change({ [name]: value === '' ? null : value.slice(1) }, { step: true }),
    ),
  );
  const columns = columnChoice(route);
  const group = choice(t('filter.group'), (value) =>
    route.change({ group: GROUPS.find((each) => each === value) ?? 'none' }),
  );
  group.append(...GROUPS.map((name) => h('option', { value: name }, t(`group.${name}`))));
  const stills = h(
    'button',
    {
      type: 'button',
      class: 'toggle',
      'aria-pressed': 'false',
      onclick: () => route.change({ stills: !route.now.stills }),
    },
    t('still.toggle'),
  );
  const clear = h(
    'button',
    { type: 'button', class: 'clear', onclick: () => clearFilters(route) },
    icon('close'),
    t('filter.clear'),
  );
  const sort = choice(t('filter.sort'), (value) => route.change({ sort: value }));
  sort.className = 'sort-choice';
  const element = h(
    'div',
    { class: 'toolbar', role: 'search' },
    h('label', { class: 'search-box' }, icon('search'), search, h('kbd', { 'aria-hidden': 'true' }, '/')),
    clear,
    summary,
  );
  const choices = h('div', { class: 'toolbar-choices' }, Object.values(filters), group, sort, stills, columns.element, alerts, ...tools);
  clear.before(fold(t('filter.more'), choices), choices);
  return {
    element,
    focus: () => search.select(),
    update() {
      const now = route.now;
      if (typing === undefined && search.value.trim() !== now.q) search.value = now.q;
      for (const name of FILTER_NAMES) fillOptions(filters[name], name, store.values[name], now[name]);
      columns.update(now);
      fillSorts(sort, now.sort);
      group.value = now.group;
      setAttribute(stills, 'aria-pressed', String(now.stills));
      clear.hidden = !hasFilters(now);
    },
  };
}

const SORT_NAMES = ['worst', 'id', 'name', 'site', 'since', 'bitrate', 'readers', 'restarts', 'retry'];

// Narrow lists have no column heads to click on.
/**
 * @param {HTMLSelectElement} select
 * @param {string} sort
 */
function fillSorts(select, sort) {
  const names = SORT_NAMES.includes(sort) ? SORT_NAMES : [...SORT_NAMES, sort];
  if (select.dataset.shown === sort) return;
  select.dataset.shown = sort;
  /** @param {string} name */
  const label = (name) =>
    t('filter.sorted', { by: name === 'worst' ? t('sort.worst') : word('column', name.replace('-', '')) });
  select.replaceChildren(...names.map((name) => h('option', { value: name, selected: name === sort }, label(name))));
}

/** @param {View} view */
export function hasFilters(view) {
  return Boolean(view.q || view.health.length || view.fault.length || asked(view).length);
}

/** @param {Route} route */
export function clearFilters(route) {
  route.change({ q: '', health: [], fault: [], ...ofEach(() => null) }, { step: true });
}

/** How many of how many; read out when it changes. */
export function listSummary() {
  const element = h('p', { class: 'summary', role: 'status' });
  return {
    element,
    /** @param {Arranged} found */
    update: ({ shown, total }) =>
      setText(
        element,
        shown === total ? t('list.cameras', { count: total }) : t('list.shown', { shown, count: total }),
      ),
  };
}
