// Times that tick. One timer for the page; only what is on the screen is looked at.

import { brief, full, NOTHING } from './format.js';
import { setText } from './dom.js';
import { t } from './i18n.js';

// The browser's clock may be wrong: ages are counted by the service's clock.
let aheadMs = 0;
let calibrated = false;

/**
 * A message written at `iso` has just come. The smallest delay seen is the best estimate.
 * @param {string} iso
 */
export function calibrate(iso) {
  const ahead = Date.parse(iso) - Date.now();
  if (Number.isNaN(ahead)) return;
  if (!calibrated || ahead > aheadMs || Math.abs(ahead - aheadMs) > 30_000) aheadMs = ahead;
  calibrated = true;
}

export function serverNow() {
  return Date.now() + aheadMs;
}

/** @param {string} iso */
export function secondsSince(iso) {
  return (serverNow() - Date.parse(iso)) / 1000;
}

/** @type {Record<string, (iso: string) => string>} */
const STYLES = {
  age: (iso) => brief(secondsSince(iso)),
  ago: (iso) => t('time.ago', { time: brief(secondsSince(iso)) }),
  until: (iso) => {
    const left = -secondsSince(iso);
    return left < 1 ? t('time.now') : t('time.in', { time: brief(left) });
  },
};

/**
 * Makes a <time> show `iso` in a style, from now on.
 * @param {HTMLTimeElement} element
 * @param {Moment} iso
 * @param {string} style
 */
export function showTime(element, iso, style = 'age') {
  if (!iso) {
    element.removeAttribute('data-at');
    element.removeAttribute('title');
    setText(element, NOTHING);
    return;
  }
  if (element.dataset.at !== iso) {
    element.dataset.at = iso;
    element.dataset.style = style;
    element.dateTime = iso;
    element.title = full(iso);
  }
  setText(element, STYLES[style](iso));
}

/** @param {ParentNode} root */
export function tick(root = document) {
  for (const element of root.querySelectorAll('time')) {
    const { at, style } = element.dataset;
    if (at && style) setText(element, STYLES[style](at));
  }
}

export function startTicking() {
  setInterval(() => {
    if (!document.hidden) tick();
  }, 1000);
}
