// The head of the page: which service this is, the tabs, language, theme, login.

import { h, setText } from './dom.js';
import { LANGUAGES, chooseLanguage, language, remember, t } from './i18n.js';
import { tabBar } from './tabs.js';

const THEMES = ['system', 'light', 'dark'];

/** @param {{ route: Route, live: HTMLElement, onLogin: () => void, onLogout: () => void }} parts */
export function pageHead({ route, live, onLogin, onLogout }) {
  const node = h('span', { class: 'node' });
  const tabs = tabBar(route);
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
    tabs.element,
    live,
    h('div', { class: 'choices' }, themeChoice(), languageChoice(), entry),
  );
  return {
    element,
    ...{ showTab: tabs.showTab, showCount: tabs.showCount, select: tabs.select },
    /** @param {Status} status */
    showStatus(status) {
      setText(node, status.node ?? '');
      node.title = t('page.service', { version: status.version ?? '' });
      tabs.showCount('cameras', status.cameras);
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
