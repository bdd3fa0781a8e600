// The token, once; the service answers with a cookie that scripts cannot read.

import { h, setText } from './dom.js';
import { ApiError, api, messageOf } from './api.js';
import { t } from './i18n.js';

/** @param {(done: boolean) => void} onDone */
export function loginForm(onDone) {
  const token = h('input', {
    type: 'password',
    id: 'token',
    name: 'token',
    autocomplete: 'current-password',
    required: true,
  });
  const error = h('p', { class: 'error', role: 'alert' });
  const submit = h('button', { type: 'submit', class: 'primary' }, t('login.submit'));
  const cancel = h('button', { type: 'button', onclick: () => onDone(false), hidden: true }, t('dialog.cancel'));
  /** @param {SubmitEvent} event */
  const send = async (event) => {
    event.preventDefault();
    submit.disabled = true;
    setText(error, '');
    try {
      await api.login(token.value);
      token.value = '';
      onDone(true);
    } catch (problem) {
      setText(error, explain(problem));
      token.select();
    } finally {
      submit.disabled = false;
    }
  };
  const form = h(
    'form',
    { class: 'login-form', onsubmit: send },
    h('h1', {}, t('login.title')),
    h('p', {}, t('login.text')),
    // Password stores want a name to go with a password.
    h('input', { type: 'text', name: 'username', value: 'operator', autocomplete: 'username', hidden: true }),
    h('label', { for: 'token' }, t('login.token')),
    token,
    error,
    h('div', { class: 'buttons' }, submit, cancel),
  );
  const element = h('main', { class: 'login', hidden: true }, form);
  return {
    element,
    show(optional = false) {
      element.hidden = false;
      cancel.hidden = !optional;
      token.focus();
    },
    hide() {
      element.hidden = true;
    },
  };
}

/** @param {unknown} problem */
function explain(problem) {
  if (!(problem instanceof ApiError)) return messageOf(problem);
  const { status, message } = problem;
  if (status === 401) return t('login.wrong');
  if (status === 429) return t('login.often');
  return status === 0 ? t('error.offline') : message;
}
