// What an operator may do to a camera. Everything asks first, and says what came of it.

import { h, setText } from './dom.js';
import { api } from './api.js';
import { explain } from './panel.js';
import { notify } from './notice.js';
import { t } from './i18n.js';
import { icon } from './icons.js';

/** @type {Action[]} */
export const ACTIONS = ['restart', 'probe', 'hold', 'release'];

/** @param {Camera} camera */
const isHeld = (camera) => camera.verdict.reasons.some((reason) => reason.code === 'held_by_operator');
/** @param {Camera} camera */
const isDisabled = (camera) => camera.phase === 'disabled' || camera.phase === 'finished';

/** @type {Record<string, (camera: Camera) => boolean>} */
const POSSIBLE = {
  restart: (camera) => !isDisabled(camera) && !isHeld(camera),
  probe: (camera) => !isDisabled(camera) && !isHeld(camera),
  hold: (camera) => !isDisabled(camera) && !isHeld(camera),
  release: isHeld,
};

/** @param {{ camera: () => Camera | null, onDone: (name: Action) => void }} parts */
export function actions({ camera, onDone }) {
  const result = h('p', { class: 'action-result', role: 'status' });
  const refusal = h('p', { class: 'note', role: 'status', hidden: true });
  // What must be given for any action, in the order in which it is missed.
  const given = { connection: true, session: true, role: true };
  const buttons = ACTIONS.map((name) =>
    h(
      'button',
      { type: 'button', class: 'action', 'data-action': name, onclick: () => ask(name) },
      icon(name),
      t(`action.${name}`),
    ),
  );
  const element = h(
    'section',
    { class: 'actions', 'aria-label': t('action.label') },
    h('div', { class: 'buttons' }, buttons),
    refusal,
    result,
  );

  /** @param {Action} name */
  async function ask(name) {
    const wanted = camera();
    if (!wanted || !(await confirmed(name, wanted))) return;
    setText(result, t('action.sending'));
    try {
      await api.act(wanted.id, name);
      report(wanted, t(`action.${name}.done`, { name: wanted.name || wanted.id }), 'done');
      onDone(name);
    } catch (problem) {
      report(wanted, t('action.failed', { error: explain(problem) }), 'failed');
    }
  }

  /**
   * @param {Camera} about
   * @param {string} text
   * @param {"done" | "failed"} kind
   */
  function report(about, text, kind) {
    const same = camera()?.id === about.id;
    element.dataset.result = kind;
    setText(result, same ? text : '');
    if (!same) notify(text, kind);
  }

  function update() {
    const now = camera();
    const missing = /** @type {(keyof typeof given)[]} */ (Object.keys(given)).find((name) => !given[name]);
    refusal.hidden = missing === undefined;
    setText(refusal, missing ? t(`action.without.${missing}`) : '');
    for (const [position, action] of ACTIONS.entries()) {
      const each = buttons[position];
      each.disabled = missing !== undefined || now === null || !POSSIBLE[action](now);
      const held = now !== null && isHeld(now);
      each.hidden = (action === 'release' && !held) || (action === 'hold' && held);
    }
  }

  return {
    element,
    /** @param {Partial<typeof given>} now */
    allow(now) {
      Object.assign(given, now);
      update();
    },
    reset: () => setText(result, ''),
    update,
  };
}

/**
 * A modal question; resolves to the answer.
 * @param {Action} name
 * @param {Camera} camera
 * @returns {Promise<boolean>}
 */
function confirmed(name, camera) {
  return new Promise((resolve) => {
    const values = { name: camera.name || camera.id, id: camera.id };
    const dialog = h(
      'dialog',
      { class: 'confirm', 'aria-labelledby': 'confirm-title', 'aria-describedby': 'confirm-text' },
      h(
        'form',
        { method: 'dialog' },
        h('h2', { id: 'confirm-title' }, t(`action.${name}.ask`, values)),
        h('p', { id: 'confirm-text' }, t(`action.${name}.text`, values)),
        h(
          'div',
          { class: 'buttons' },
          h('button', { value: '', autofocus: true }, t('dialog.cancel')),
          h('button', { value: 'yes', class: 'primary' }, icon(name), t(`action.${name}`)),
        ),
      ),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
