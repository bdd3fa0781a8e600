// Search, filters and grouping above the list.

import { h, setAttribute, setText } from './dom.js';
import { collator } from './format.js';
import { GROUPS } from './route.js';
import { t, word } from './i18n.js';
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
 * Options of a filter: all, then every value with its number of cameras.
 * @param {HTMLSelectElement} select
 * @param {Map<string, number>} counts
 * @param {string | null} chosen
 * @param {string} all
 * @param {string} empty
 */
function fillOptions(select, counts, chosen, all, empty) {
  const values = [...counts.keys()].sort((a, b) => collator().compare(a, b));
  if (chosen !== null && !counts.has(chosen)) values.push(chosen);
  const key = JSON.stringify([values, chosen]);
  if (select.dataset.shown === key) return;
  select.dataset.shown = key;
  const options = values.map((value) =>
    h('option', { value: `=${value}`, selected: value === chosen }, value || empty),
  );
  select.replaceChildren(h('option', { value: '', selected: chosen === null }, all), ...options);
}

/** @param {{ store: Store, route: Route, summary: HTMLElement }} parts */
export function toolbar({ store, route, summary }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;
  const typed = () => {
    clearTimeout(typing);
    typing = setTimeout(() => route.change({ q: search.value.trim() }), TYPING_MS);
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
  /**
   * @param {"site" | "type"} name
   * @returns {(value: string) => void}
   */
  const exact = (name) => (value) => route.change({ [name]: value === '' ? null : value.slice(1) });
  const site = choice(t('filter.site'), exact('site'));
  const type = choice(t('filter.type'), exact('type'));
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
    site,
    type,
    group,
    sort,
    stills,
    clear,
    summary,
  );
  return {
    element,
    focus: () => search.select(),
    update() {
      const now = route.now;
      if (document.activeElement !== search && search.value !== now.q) search.value = now.q;
      fillOptions(site, store.sites, now.site, t('filter.site.all'), t('group.site.none'));
      fillOptions(type, store.types, now.type, t('filter.type.all'), t('filter.type.none'));
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
export function hasFilters({ q, health, fault, site, type }) {
  return Boolean(q || health.length || fault.length || site !== null || type !== null);
}

/** @param {Route} route */
export function clearFilters(route) {
  route.change({ q: '', health: [], fault: [], site: null, type: null });
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
