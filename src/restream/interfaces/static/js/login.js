// A password or a token, once; the service answers with a cookie that scripts cannot read.

import { h, setText } from './dom.js';
import { ApiError, api, messageOf } from './api.js';
import { t } from './i18n.js';

/** @param {(done: boolean) => void} onDone */
export function loginForm(onDone) {
  /** @type {SignIn} */
  let way = 'token';
  /** @type {SignIn[]} */
  let ways = ['token'];
  const text = h('p', {});
  // Password stores want a name to go with a password.
  const user = h('input', { type: 'text', id: 'user', name: 'username', autocomplete: 'username', autocapitalize: 'none' });
  const userLabel = h('label', { for: 'user' }, t('login.user'));
  const secretLabel = h('label', { for: 'token' });
  const secret = h('input', {
    type: 'password',
    id: 'token',
    name: 'token',
    autocomplete: 'current-password',
    required: true,
  });
  const error = h('p', { class: 'error', role: 'alert' });
  const submit = h('button', { type: 'submit', class: 'primary' }, t('login.submit'));
  const cancel = h('button', { type: 'button', onclick: () => onDone(false), hidden: true }, t('dialog.cancel'));
  const other = h('button', { type: 'button', class: 'link', onclick: () => choose(way === 'token' ? 'password' : 'token') });

  /** @param {SignIn} chosen */
  function choose(chosen) {
    way = chosen;
    const byName = way === 'password';
    user.hidden = userLabel.hidden = !byName;
    user.required = byName;
    user.value = byName ? '' : 'operator';
    secret.value = '';
    setText(text, t(byName ? 'login.text.password' : 'login.text'));
    setText(secretLabel, t(byName ? 'login.password' : 'login.token'));
    setText(other, t(byName ? 'login.instead.token' : 'login.instead.password'));
    setText(error, '');
    other.hidden = ways.length < 2;
    (byName ? user : secret).focus();
  }

  /** @param {SubmitEvent} event */
  const send = async (event) => {
    event.preventDefault();
    submit.disabled = true;
    setText(error, '');
    try {
      await api.login(way === 'token' ? { token: secret.value } : { user: user.value.trim(), password: secret.value });
      secret.value = '';
      onDone(true);
    } catch (problem) {
      setText(error, explain(problem, way));
      secret.select();
    } finally {
      submit.disabled = false;
    }
  };
  const provider = h('a', { class: 'button primary', href: 'api/oidc/login', hidden: true }, t('login.provider'));
  const form = h(
    'form',
    { class: 'login-form', onsubmit: send },
    h('h1', {}, t('login.title')),
    text,
    userLabel,
    user,
    secretLabel,
    secret,
    error,
    h('div', { class: 'buttons' }, submit, cancel),
    provider,
    other,
  );
  const element = h('main', { class: 'login', hidden: true }, form);
  return {
    element,
    /**
     * @param {boolean} optional
     * @param {SignIn[]} known ways to log in that the service has, the usual one first
     */
    show(optional = false, known = ['token']) {
      element.hidden = false;
      cancel.hidden = !optional;
      ways = known.filter((each) => each !== 'oidc');
      provider.hidden = ways.length === known.length;
      choose(ways[0] ?? 'token');
      if (ways.length) return;
      for (const each of [user, userLabel, secretLabel, secret, submit]) each.hidden = true;
      setText(text, t('login.text.password'));
      provider.focus();
    },
    hide() {
      element.hidden = true;
    },
  };
}

/**
 * @param {unknown} problem
 * @param {SignIn} way
 */
function explain(problem, way) {
  if (!(problem instanceof ApiError)) return messageOf(problem);
  const { status, message } = problem;
  if (status === 401) return t(way === 'token' ? 'login.wrong' : 'login.wrong.password');
  if (status === 429) return t('login.often');
  if (status === 503) return t('login.busy');
  return status === 0 ? t('error.offline') : message;
}
