// The head of the page: which service this is, tabs, language, theme, login.

import { h, setText } from './dom.js';
import { LANGUAGES, chooseLanguage, language, remember, t } from './i18n.js';
import { PANELS } from './panels.js';
import { TABS } from './route.js';
import { number } from './format.js';

const THEMES = ['system', 'light', 'dark'];

/** @param {{ route: Route, live: HTMLElement, onLogin: () => void, onLogout: () => void }} parts */
export function pageHead({ route, live, onLogin, onLogout }) {
  const node = h('span', { class: 'node' });
  const counts = new Map(TABS.map((name) => [name, h('span', { class: name === 'cameras' ? 'tab-count' : 'tab-news' })]));
  const tabs = new Map(TABS.map((name) => [name, tab(name, route)]));
  const show = (/** @type {string} */ name, shown = true) => tabs.get(name)?.toggleAttribute('hidden', !shown);
  for (const { id, optional } of PANELS) if (optional) show(id, false);
  const list = h(
    'div',
    {
      class: 'tabs',
      role: 'tablist',
      'aria-label': t('tabs.label'),
      onkeydown: (/** @type {KeyboardEvent} */ event) => walk(event, [...tabs.values()]),
    },
    [...tabs.values()],
  );
  // Where there are more than fit they scroll; not every mouse can do that sideways.
  const roll = (/** @type {WheelEvent} */ { deltaX, deltaY }) => {
    if (!deltaX) list.scrollLeft += deltaY;
  };
  list.addEventListener('wheel', roll, { passive: true });
  const entry = h('button', { type: 'button', hidden: true });
  let leave = false;
  entry.addEventListener('click', () => (leave ? onLogout() : onLogin()));
  const element = h(
    'header',
    { class: 'page-head' },
    h(
      'div',
      { class: 'brand' },
      h('img', { src: 'static/icon.svg', alt: '', width: 24, height: 24 }),
      h('h1', { class: 'brand-name' }, 'restream'),
      node,
    ),
    list,
    live,
    h('div', { class: 'choices' }, themeChoice(), languageChoice(), entry),
  );
  // On a small screen the tabs scroll, and the chosen one may be outside. The first choice is made before the layout.
  const reveal = () =>
    requestAnimationFrame(() =>
      list.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' }),
    );
  return {
    element,
    /**
     * @param {string} name
     * @param {boolean} shown
     */
    showTab(name, shown) {
      show(name, shown || route.now.tab === name);
    },
    /**
     * A number beside the title of a tab; none, when it is null.
     * @param {string} name
     * @param {number | null} amount
     */
    showCount(name, amount) {
      const count = counts.get(name);
      const shown = amount === null ? '' : number(amount);
      if (!count || count.textContent === shown) return;
      setText(count, shown);
      if (shown) tabs.get(name)?.append(count);
      else count.remove();
      reveal();
    },
    /** @param {string} chosen */
    select(chosen) {
      for (const [name, each] of tabs) {
        each.setAttribute('aria-selected', String(name === chosen));
        each.tabIndex = name === chosen ? 0 : -1;
        if (name === chosen) each.hidden = false;
      }
      reveal();
    },
    /** @param {Status} status */
    showStatus(status) {
      setText(node, status.node ?? '');
      node.title = t('page.service', { version: status.version ?? '' });
      this.showCount('cameras', status.cameras);
    },
    /** @param {Session | null} session */
    showSession(session) {
      leave = Boolean(session?.authenticated);
      entry.hidden = !session || (!leave && session.may_write);
      setText(entry, leave ? t('login.leave') : t('login.enter'));
      entry.title = leave && session?.name ? t('login.as', { name: session.name }) : '';
    },
  };
}

/**
 * @param {string} name
 * @param {Route} route
 */
function tab(name, route) {
  return h(
    'button',
    {
      type: 'button',
      role: 'tab',
      id: `tab-${name}`,
      'aria-controls': `panel-${name}`,
      onclick: () => route.change({ tab: name }, { step: true }),
    },
    t(`tab.${name}`),
  );
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement[]} tabs
 */
function walk(event, tabs) {
  const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
  if (!step) return;
  const shown = tabs.filter((each) => !each.hidden);
  const at = shown.findIndex((each) => each === event.target);
  const next = shown[(at + step + shown.length) % shown.length];
  event.preventDefault();
  next.focus();
  next.click();
}

function themeChoice() {
  const select = h(
    'select',
    { 'aria-label': t('theme.label'), class: 'theme-choice' },
    THEMES.map((name) => h('option', { value: name }, t(`theme.${name}`))),
  );
  select.value = document.documentElement.dataset.themeChoice ?? 'system';
  select.addEventListener('change', () => {
    remember('restream.theme', select.value === 'system' ? null : select.value);
    window.dispatchEvent(new Event('restream:theme'));
  });
  return select;
}

function languageChoice() {
  const options = Object.entries(LANGUAGES).map(([code, name]) =>
    h('option', { value: code, lang: code, selected: code === language }, name),
  );
  const select = h('select', { 'aria-label': t('language.label'), class: 'language-choice' }, options);
  select.addEventListener('change', () => chooseLanguage(select.value));
  return select;
}
