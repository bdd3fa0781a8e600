// A verdict in detail, for the camera that is looked at.

import { h } from './dom.js';
import { hintText, reasonText } from './reasons.js';
import { said } from './phrases.js';
import { showTime } from './clock.js';
import { t, word } from './i18n.js';
import { icon } from './icons.js';

/**
 * Where it broke, why, what to do, what happens next.
 * @param {{ verdict: Verdict, phase: string, detail: string, retry: string | null }} shown
 */
export function verdictWords({ verdict, phase, detail, retry }) {
  /** @type {Child[]} */
  const parts = [];
  if (verdict.fault !== 'none')
    parts.push(
      h(
        'p',
        { class: 'verdict-fault' },
        icon(verdict.fault),
        t('drawer.fault', { fault: word('fault', verdict.fault) }),
      ),
    );
  if (verdict.reasons.length)
    parts.push(
      h(
        'ul',
        { class: 'reasons' },
        verdict.reasons.map((reason) => h('li', {}, reasonText(reason))),
      ),
    );
  else if (verdict.health === 'healthy') parts.push(h('p', {}, t('drawer.fine')));
  if (detail) parts.push(h('p', { class: 'verdict-detail', dir: 'auto' }, said(detail)));
  const hint = hintText(verdict);
  if (hint) parts.push(h('p', { class: 'hint' }, h('strong', {}, t('drawer.hint')), ` ${hint}`));
  const next = h('p', { class: 'verdict-phase' }, t('drawer.phase', { phase: word('phase', phase) }));
  if (retry) {
    const time = h('time');
    showTime(time, retry, 'until');
    next.append(' · ', t('drawer.retry'), ' ', time);
  }
  parts.push(next);
  return parts;
}
