// What the reader must know about the data on the screen: the connection broke, the service is stopping.

import { h, setText } from './dom.js';
import { duration } from './format.js';
import { t } from './i18n.js';
import { icon } from './icons.js';

/**
 * @param {Connection} connection
 * @param {Store} store
 */
export function banner(connection, store) {
  const text = h('span', { class: 'banner-text' });
  const detail = h('span', { class: 'banner-detail' });
  const again = h('button', { type: 'button', onclick: () => connection.retry() }, t('connection.retry'));
  // The changing seconds are outside of what is read out.
  const element = h(
    'div',
    { class: 'banner', hidden: true },
    icon('degraded'),
    h('div', { role: 'status' }, text),
    detail,
    again,
  );
  const update = () => {
    const kind = trouble();
    element.hidden = kind === null;
    if (kind === null) return;
    element.dataset.kind = kind;
    setText(text, t(`connection.${kind}`));
    setText(detail, kind === 'stopping' ? '' : [age(), next()].filter(Boolean).join(' '));
    again.hidden = kind === 'stopping';
  };
  const trouble = () => {
    if (connection.state === 'lost' || connection.state === 'polling') return connection.state;
    if (connection.state === 'connecting' && connection.retryAt !== null) return 'failing';
    return store.status?.stopping ? 'stopping' : null;
  };
  const age = () =>
    connection.heardAt !== null &&
    t('connection.age', { time: duration((performance.now() - connection.heardAt) / 1000) });
  const next = () => {
    if (connection.state === 'polling') return t('connection.polled');
    const left = connection.retryAt === null ? 0 : (connection.retryAt - performance.now()) / 1000;
    return left >= 1 ? t('connection.next', { time: duration(left) }) : t('connection.trying');
  };
  setInterval(update, 1000);
  return { element, update };
}

/**
 * The small sign in the head: live, and how old the data are.
 * @param {Connection} connection
 */
export function liveMark(connection) {
  const word = h('span', { class: 'live-word' });
  const element = h('div', { class: 'live' }, h('span', { class: 'live-dot', 'aria-hidden': 'true' }), word);
  const update = () => {
    element.dataset.state = connection.state;
    const since = connection.heardAt === null ? null : (performance.now() - connection.heardAt) / 1000;
    setText(word, t(`live.${connection.state}`, { time: duration(since) }));
  };
  setInterval(update, 1000);
  return { element, update };
}
