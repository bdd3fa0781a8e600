// What is said where nothing can be shown.

import { h, setText } from './dom.js';
import { t } from './i18n.js';

/** @param {() => void} onClear */
export function emptyState(onClear) {
  const title = h('h2');
  const text = h('p');
  const code = h('pre', { hidden: true });
  const clear = h('button', { type: 'button', onclick: onClear }, t('filter.clear'));
  const element = h('div', { class: 'empty' }, title, text, code, clear);
  /** @param {string | null} kind */
  const update = (kind, filters = false) => {
    element.hidden = kind === null;
    if (kind === null) return;
    element.dataset.kind = kind;
    setText(title, t(`empty.${kind}`));
    setText(text, t(`empty.${kind}.text`));
    code.hidden = kind !== 'none';
    setText(code, "INSERT INTO cameras (name, rtsp_url) VALUES ('Gate', 'rtsp://user:password@camera/stream');");
    clear.hidden = kind !== 'nomatch' || !filters;
  };
  update('waiting');
  return { element, update };
}
