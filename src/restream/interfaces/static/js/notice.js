// Short messages that something was done, or was not.

import { h } from './dom.js';
import { t } from './i18n.js';
import { icon } from './icons.js';

const SHOWN_MS = 6000;
const region = h('div', { class: 'notices', role: 'status', 'aria-live': 'polite' });

export function noticeRegion() {
  return region;
}

/** @param {string} text */
export function notify(text, kind = 'done') {
  const element = h('div', { class: 'notice', 'data-kind': kind });
  const close = () => element.remove();
  element.append(
    icon(kind === 'done' ? 'healthy' : 'down'),
    h('span', {}, text),
    h('button', { type: 'button', class: 'plain', 'aria-label': t('notice.close'), onclick: close }, icon('close')),
  );
  region.append(element);
  if (kind === 'done') setTimeout(close, SHOWN_MS);
}
