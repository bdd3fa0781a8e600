// The last look at a camera: what it was asked, what it said, and what is taken of it.

import { h, memo } from './dom.js';
import { milliseconds } from './format.js';
import { known, t, word } from './i18n.js';
import { causeTitle } from './reasons.js';
import { section } from './facts.js';
import { showTime } from './clock.js';

/** @typedef {NonNullable<CameraDetails['probe']>} Look */

// `Date` has whole seconds, and the answer takes its time.
const SAME_CLOCK_S = 2;

/**
 * How a camera's clock differs, in words; empty where it does not, or is not told.
 * @param {Amount} offset seconds that it is ahead
 */
export function clockText(offset) {
  if (offset === null || offset === undefined || Math.abs(offset) <= SAME_CLOCK_S) return '';
  return t(offset > 0 ? 'look.clock.ahead' : 'look.clock.behind', { time: Math.abs(offset) });
}

/**
 * What is known of the camera itself, by name.
 * @param {Look} look
 * @returns {[string, string][]}
 */
export function lookFacts(look) {
  /** @type {[string, string][]} */
  const all = [
    ['login', look.login.join(', ')],
    ['software', look.software],
    ['clock', clockText(look.clock_offset_s)],
  ];
  return all.filter(([, value]) => value);
}

/** @param {Look} look */
function conversation(look) {
  return [
    h('h4', {}, t('look.steps')),
    h(
      'ol',
      { class: 'look-steps' },
      look.steps.map((step) =>
        h(
          'li',
          {},
          h('code', {}, step.request),
          h('span', { class: step.answer ? 'said' : 'said silent' }, step.answer || t('look.silent')),
          h('span', { class: 'took' }, milliseconds(step.took_s * 1000)),
        ),
      ),
    ),
  ];
}

/** @param {Look} look */
function outcome(look) {
  if (!look.cause) return h('p', { class: 'look-fine' }, t('look.fine'));
  return h(
    'div',
    { class: 'look-failure' },
    h('p', {}, known(`cause.${look.cause}`) ? causeTitle(look.cause) : look.cause),
    look.detail ? h('p', { class: 'verdict-detail' }, look.detail) : null,
  );
}

/** @param {Look} look */
function words(look) {
  const at = h('time');
  showTime(at, look.at, 'ago');
  const taken = t('look.taken', { by: word('look.by', look.by), took: milliseconds(look.took_s * 1000) });
  const facts = lookFacts(look);
  return [
    h('p', { class: 'look-head' }, at, ` · ${taken}`),
    outcome(look),
    ...(look.steps.length ? conversation(look) : []),
    look.choice.length ? h('h4', {}, t('look.choice')) : null,
    look.choice.length
      ? h(
          'ul',
          { class: 'look-choice' },
          look.choice.map((reason) => h('li', {}, reason)),
        )
      : null,
    facts.length
      ? h(
          'dl',
          { class: 'facts' },
          facts.map(([name, value]) => h('div', {}, h('dt', {}, t(`look.${name}`)), h('dd', {}, value))),
        )
      : null,
  ];
}

export function lookSection() {
  const busy = h('p', { class: 'look-busy', role: 'status' });
  const box = h('div');
  const show = memo(box);
  const element = section('look', busy, box);

  /** @param {boolean} is */
  function wait(is) {
    busy.hidden = !is;
    busy.textContent = is ? t('look.busy') : '';
    if (is) element.hidden = false;
  }

  return {
    element,
    /** A look was asked for: the next details tell how it goes. */
    begin: () => wait(true),
    /** @param {CameraDetails} details */
    show({ probe, probing }) {
      element.hidden = !probe;
      wait(probing);
      box.hidden = !probe;
      if (probe) show(probe, () => words(probe));
    },
  };
}
