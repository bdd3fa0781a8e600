// What broke since somebody looked last.

import { h, setText } from './dom.js';
import { moment } from './format.js';
import { serverNow } from './clock.js';
import { remember, remembered, t } from './i18n.js';

const STORED = 'restream.seen';

/** @param {() => void} onSeen */
export function lastLook(onSeen) {
  const now = () => new Date(serverNow()).toISOString();
  /**
   * When the page was left, by the service's clock; null before the first time.
   * @type {string | null}
   */
  let at = remembered(STORED);
  const text = h('span', { role: 'status' });
  const look = () => {
    at = now();
    remember(STORED, at);
  };
  const seen = () => {
    look();
    onSeen();
  };
  const button = h('button', { type: 'button', class: 'plain', onclick: seen }, t('seen.seen'));
  const element = h('div', { class: 'fresh-note', hidden: true }, text, button);
  // A page that is left may be thrown away without another word.
  document.addEventListener('visibilitychange', () => document.hidden && look());
  window.addEventListener('pagehide', look);
  return {
    element,
    /** @param {Camera} camera */
    isNew: ({ verdict }) => at !== null && verdict.health === 'down' && verdict.since > at,
    /** @param {Iterable<CameraRecord>} records */
    update(records) {
      let count = 0;
      for (const { camera } of records) if (this.isNew(camera)) count += 1;
      element.hidden = count === 0;
      if (count) setText(text, t('seen.new', { count, time: moment(at) }));
    },
  };
}
