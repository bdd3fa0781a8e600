// What a camera has shown: its last sampled picture, some of the last day, and what has changed between two of them.

import { h, memo, setText } from './dom.js';
import { address, ApiError, api } from './api.js';
import { explain } from './panel.js';
import { section } from './facts.js';
import { clock, moment } from './format.js';
import { showTime } from './clock.js';
import { t, word } from './i18n.js';

/** @typedef {Awaited<ReturnType<Service["pictures"]>>} Pictures */
/** @typedef {Pictures["pictures"][number]} Kept */

const EVERY_MS = 15_000;

/**
 * Which two are compared at first: the proofs of what was found last, else the first and the last of the day.
 * @param {readonly Kept[]} kept
 * @returns {[Kept, Kept] | null}
 */
export function firstPair(kept) {
  if (kept.length < 2) return null;
  const of = (/** @type {Kept["kind"]} */ kind) => kept.findLast((each) => each.kind === kind);
  const before = of('before') ?? of('reference') ?? kept[0];
  const after = kept[kept.length - 1];
  return before === after ? [kept[0], after] : [before, after];
}

/**
 * Two pictures over one another, of which a slider shows more or less.
 * @param {(kept: Kept) => string} source
 */
function comparison(source) {
  const old = h('img', { class: 'old', alt: '' });
  const fresh = h('img', { class: 'fresh', alt: '' });
  const oldAt = h('time', { class: 'old-at' });
  const freshAt = h('time', { class: 'fresh-at' });
  const pane = h('div', { class: 'compare-pane' }, fresh, old, oldAt, freshAt);
  const range = h('input', { type: 'range', min: '0', max: '100', value: '50', 'aria-label': t('pictures.slide') });
  const slide = () => pane.style.setProperty('--shown', `${range.value}%`);
  range.addEventListener('input', slide);
  slide();
  const element = h('figure', { class: 'compare', hidden: true }, pane, range);
  return {
    element,
    /** @param {[Kept, Kept] | null} pair */
    show(pair) {
      element.hidden = pair === null;
      if (pair === null) return;
      old.src = source(pair[0]);
      fresh.src = source(pair[1]);
      showTime(oldAt, pair[0].at, 'ago');
      showTime(freshAt, pair[1].at, 'ago');
      old.alt = t('pictures.before', { time: moment(pair[0].at) });
      fresh.alt = t('pictures.after', { time: moment(pair[1].at) });
    },
  };
}

export function picturesSection() {
  const taken = h('p', { class: 'pictures-taken' });
  const found = h('ul', { class: 'pictures-found' });
  const strip = h('ol', { class: 'strip', 'aria-label': t('pictures.strip') });
  const result = h('p', { class: 'accept-result', role: 'status' });
  const accept = h('button', { type: 'button', class: 'accept', onclick: () => say() }, t('pictures.accept'));
  const note = h('p', { class: 'note' }, t('pictures.accept.text'));
  const compare = comparison((kept) => place(kept));
  const element = section('pictures', taken, found, compare.element, strip, h('div', {}, accept, note, result));
  const showTaken = memo(taken);
  const showFound = memo(found);
  const showStrip = memo(strip);
  const given = { connection: true, session: true };
  /** @type {string | null} */
  let id = null;
  /** @type {AbortController | null} */
  let asked = null;
  let askedAt = -Infinity;
  /** @type {Pictures | null} */
  let known = null;
  /** @type {number | null} */
  let chosen = null;

  /** @param {Kept} kept */
  function place(kept) {
    return address(`api/cameras/${encodeURIComponent(id ?? '')}/pictures/${kept.picture}.jpg`).href;
  }

  async function fetch() {
    if (id === null) return;
    asked?.abort();
    asked = new AbortController();
    askedAt = performance.now();
    const { signal } = asked;
    try {
      const told = await api.pictures(id, signal);
      if (!signal.aborted) show(told);
    } catch (problem) {
      // A service of an earlier version has none; of anything else the drawer tells.
      if (!signal.aborted && problem instanceof ApiError && problem.status === 404) element.hidden = true;
    }
  }

  async function say() {
    if (id === null) return;
    const about = id;
    accept.disabled = true;
    setText(result, t('action.sending'));
    try {
      const told = await api.accept(about);
      if (id !== about) return;
      setText(result, t('pictures.accepted'));
      show(told);
    } catch (problem) {
      if (id === about) setText(result, t('action.failed', { error: explain(problem) }));
    }
    allow();
  }

  function allow() {
    accept.disabled = !given.connection || !given.session || !known?.taken_at;
  }

  /** @param {Pictures} told */
  function show(told) {
    known = told;
    element.hidden = !told.enabled;
    const { taken_at: at, trouble, pictures, findings } = told;
    showTaken([at, trouble], () => {
      const age = h('time');
      showTime(age, at, 'ago');
      const words = at ? [t('pictures.taken'), ' ', age] : [t('pictures.none')];
      return trouble ? [...words, ' · ', t('pictures.trouble', { error: trouble })] : words;
    });
    found.hidden = !findings.length;
    showFound(findings, () =>
      findings.map((each) =>
        h('li', {}, `${word('cause', each.code)} · ${t('pictures.since', { time: moment(each.since) })}`),
      ),
    );
    const pair = firstPair(pictures);
    const picked = pictures.find((each) => each.picture === chosen);
    compare.show(pair && picked ? [picked, pair[1]] : pair);
    strip.hidden = !pictures.length;
    showStrip([pictures, chosen, id], () => pictures.map((each) => thumbnail(each, pair?.[0])));
    allow();
  }

  /**
   * @param {Kept} kept
   * @param {Kept | undefined} usual
   */
  function thumbnail(kept, usual) {
    const pressed = kept.picture === (chosen ?? usual?.picture);
    const kind = kept.kind === 'sample' ? '' : ` · ${t(`pictures.kind.${kept.kind}`)}`;
    const choose = () => {
      chosen = kept.picture;
      if (known) show(known);
    };
    return h(
      'li',
      { 'data-kind': kept.kind },
      h(
        'button',
        { type: 'button', class: 'plain', 'aria-pressed': String(pressed), title: moment(kept.at), onclick: choose },
        h('img', { src: place(kept), alt: '', loading: 'lazy' }),
        h('span', {}, `${clock(kept.at)}${kind}`),
      ),
    );
  }

  return {
    element,
    /** @param {CameraDetails} details */
    show(details) {
      if (details.id !== id) {
        id = details.id;
        known = chosen = null;
        askedAt = -Infinity;
        element.hidden = true;
        setText(result, '');
      }
      if (performance.now() - askedAt >= EVERY_MS) fetch();
    },
    /** @param {Partial<typeof given>} now */
    allow(now) {
      Object.assign(given, now);
      allow();
    },
  };
}
