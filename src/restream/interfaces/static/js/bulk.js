// One action on many cameras: how many and which first, then what came of it.

import { h, setText } from './dom.js';
import { ACTIONS } from './actions.js';
import { api } from './api.js';
import { explain } from './panel.js';
import { icon } from './icons.js';
import { isolated, number } from './format.js';
import { said } from './phrases.js';
import { t } from './i18n.js';

/** So many are named of those that something is not done to, for each reason. */
const NAMED = 5;

/**
 * Of those that something is not done to: how many, and who, by reason.
 * @param {Bulk["outcomes"]} outcomes
 */
function leftOut(outcomes) {
  /** @type {Map<string, string[]>} */
  const reasons = new Map();
  for (const { id, name, outcome, detail } of outcomes) {
    if (outcome === 'accepted') continue;
    const names = reasons.get(detail ?? '') ?? [];
    names.push(isolated(name || id));
    reasons.set(detail ?? '', names);
  }
  return [...reasons].map(([why, names]) => {
    const more = names.length > NAMED ? ` ${t('bulk.more', { count: names.length - NAMED })}` : '';
    return h('li', {}, h('strong', {}, `${number(names.length)} × ${said(why)}`), `: ${names.slice(0, NAMED).join(', ')}${more}`);
  });
}

/**
 * Asks what is to be done with these cameras, and has it done.
 * @param {string[]} ids
 */
export function actOnAll(ids) {
  const told = h('p', { class: 'bulk-told', role: 'status' });
  const rest = h('ul', { class: 'bulk-rest' });
  const go = h('button', { type: 'button', class: 'primary', disabled: true }, t('bulk.go'));
  const close = h('button', { type: 'submit', value: '' }, t('dialog.cancel'));
  /** @type {AbortController | null} */
  let asked = null;
  /** @type {Action | null} */
  let chosen = null;

  /** @param {boolean} dryRun */
  async function ask(dryRun) {
    if (!chosen) return null;
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    go.disabled = true;
    setText(told, t(dryRun ? 'bulk.looking' : 'action.sending'));
    rest.replaceChildren();
    try {
      const found = await api.actOnMany({ action: chosen, cameras: ids, dry_run: dryRun }, signal);
      if (signal.aborted) return null;
      rest.replaceChildren(...leftOut(found.outcomes));
      return found;
    } catch (problem) {
      if (!signal.aborted) setText(told, t('action.failed', { error: explain(problem) }));
      return null;
    }
  }

  /** @param {Action} action */
  async function choose(action) {
    chosen = action;
    go.replaceChildren(icon(action), t(`action.${action}`));
    const found = await ask(true);
    if (!found) return;
    setText(told, `${t('bulk.preview', { count: found.accepted })} ${t(`bulk.${action}.text`)}`);
    go.disabled = found.accepted === 0;
  }

  async function act() {
    const found = await ask(false);
    if (!found) return;
    setText(told, t('bulk.done', { count: found.accepted }));
    for (const each of choices.querySelectorAll('input')) each.disabled = true;
    go.hidden = true;
    setText(close, t('bulk.close'));
  }

  const choices = h(
    'fieldset',
    { class: 'bulk-choices' },
    h('legend', {}, t('bulk.what')),
    ACTIONS.map((action) =>
      h(
        'label',
        {},
        h('input', { type: 'radio', name: 'action', value: action, onchange: () => choose(action) }),
        icon(action),
        t(`action.${action}`),
      ),
    ),
  );
  go.addEventListener('click', act);
  const dialog = h(
    'dialog',
    { class: 'confirm bulk', 'aria-labelledby': 'bulk-title' },
    h(
      'form',
      { method: 'dialog' },
      h('h2', { id: 'bulk-title' }, t('bulk.title', { count: ids.length })),
      choices,
      told,
      rest,
      h('div', { class: 'buttons' }, close, go),
    ),
  );
  dialog.addEventListener('close', () => {
    asked?.abort();
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/**
 * The button for all cameras that the list shows, and the list as a file.
 * @param {{ ids: () => string[], address: () => string }} parts
 */
export function bulkTools({ ids, address }) {
  const given = { connection: true, session: true, role: true };
  let count = 0;
  const act = h('button', { type: 'button', class: 'bulk-act', onclick: () => actOnAll(ids()) });
  const file = h('a', { class: 'button csv', download: 'cameras.csv', title: t('csv.title') }, t('csv.label'));
  const update = () => {
    const missing = /** @type {(keyof typeof given)[]} */ (Object.keys(given)).find((name) => !given[name]);
    setText(act, t('bulk.button', { count }));
    act.disabled = missing !== undefined || count === 0;
    act.title = missing ? t(`action.without.${missing}`) : t('bulk.button.title');
    file.href = address();
  };
  update();
  return {
    elements: [act, file],
    /** @param {Partial<typeof given>} now */
    allow(now) {
      Object.assign(given, now);
      update();
    },
    /** @param {number} shown how many cameras the list has */
    update(shown) {
      count = shown;
      update();
    },
  };
}
