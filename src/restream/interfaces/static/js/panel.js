// A panel that fetches for itself, only while somebody looks at it.

import { h, setText } from './dom.js';
import { ApiError } from './api.js';
import { t } from './i18n.js';

/**
 * @template Data
 * @typedef {object} Fetching
 * @property {string} name
 * @property {number} everyS
 * @property {(signal: AbortSignal) => Promise<Data>} load
 * @property {(data: Data) => void} show
 * @property {Child[]} children
 */

/** @param {unknown} error */
export function explain(error) {
  if (!(error instanceof ApiError) || error.status === 0) return t('error.offline');
  return error.message;
}

/**
 * @template Data
 * @param {Fetching<Data>} parts
 */
export function fetchingPanel({ name, everyS, load, show, children }) {
  const error = h('p', { class: 'error', role: 'alert' });
  const element = h(
    'div',
    { class: `panel ${name}`, hidden: true },
    h('h2', { class: 'visually-hidden' }, t(`tab.${name}`)),
    error,
    ...children,
  );
  /** @type {AbortController | null} */
  let asked = null;
  /** @param {AbortSignal} signal */
  const round = async (signal) => {
    try {
      const data = await load(signal);
      if (signal.aborted) return;
      setText(error, '');
      show(data);
    } catch (problem) {
      if (!signal.aborted) setText(error, explain(problem));
    }
    if (!signal.aborted) setTimeout(() => !signal.aborted && round(signal), everyS * 1000);
  };
  const leave = () => {
    asked?.abort();
    asked = null;
  };
  const enter = () => {
    leave();
    asked = new AbortController();
    round(asked.signal);
  };
  return { element, enter, leave };
}
