// The head of the page: which service this is, tabs, language, theme, login.

import { h, setText } from './dom.js';
import { LANGUAGES, chooseLanguage, language, remember, t } from './i18n.js';
import { TABS } from './route.js';
import { number } from './format.js';

const THEMES = ['system', 'light', 'dark'];

export function pageHead({ route, live, onLogin, onLogout }) {
  const node = h('span', { class: 'node' });
  const tabs = new Map(TABS.map((name) => [name, tab(name, route)]));
  tabs.get('visionaire').hidden = true;
  const list = h(
    'div',
    { class: 'tabs', role: 'tablist', 'aria-label': t('tabs.label'), onkeydown: (event) => walk(event, tabs) },
    [...tabs.values()],
  );
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
    showTab(name, shown) {
      tabs.get(name).hidden = !shown && route.now.tab !== name;
    },
    select(chosen) {
      for (const [name, each] of tabs) {
        each.setAttribute('aria-selected', String(name === chosen));
        each.tabIndex = name === chosen ? 0 : -1;
        if (name === chosen) each.hidden = false;
      }
      reveal();
    },
    showStatus(status) {
      setText(node, status.node ?? '');
      node.title = t('page.service', { version: status.version ?? '' });
      const count = tabs.get('cameras').querySelector('.tab-count');
      const shown = number(status.cameras);
      if (count.textContent === shown) return;
      setText(count, shown);
      reveal();
    },
    showSession(session) {
      leave = Boolean(session?.authenticated);
      entry.hidden = !session || (!leave && session.may_write);
      setText(entry, leave ? t('login.leave') : t('login.enter'));
    },
  };
}

function tab(name, route) {
  const count = name === 'cameras' ? h('span', { class: 'tab-count' }) : null;
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
    count,
  );
}

function walk(event, tabs) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const shown = [...tabs.values()].filter((each) => !each.hidden);
  const next = shown[(shown.indexOf(event.target) + step + shown.length) % shown.length];
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
  select.value = document.documentElement.dataset.themeChoice;
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
  const select = h(
    'select',
    { 'aria-label': t('language.label'), class: 'language-choice', onchange: () => chooseLanguage(select.value) },
    options,
  );
  return select;
}
