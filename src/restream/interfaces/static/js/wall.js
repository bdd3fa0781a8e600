// The wall: the cameras that are filtered, as pictures, page by page, on one monitor or several.

import { h, setAttribute, setText } from './dom.js';
import { Stills } from './stills.js';
import { Tile } from './tile.js';
import { fill, fit, monitorOf, ONE_OF, SIZES } from './walllayout.js';
import { filtered } from './view.js';
import { collator, number } from './format.js';
import { write } from './route.js';
import { t } from './i18n.js';

const EVERY_S = ['0', '10', '20', '60'];
const SOON_MS = 500;

/** @param {CameraRecord} a @param {CameraRecord} b */
function byPlace(a, b) {
  return collator().compare(a.camera.site, b.camera.site) || a.number - b.number || (a.id < b.id ? -1 : 1);
}

/**
 * @param {string} label
 * @param {string[]} values
 * @param {(value: string) => string} name
 * @param {(value: string) => void} onchange
 */
function choice(label, values, name, onchange) {
  const options = values.map((value) => h('option', { value }, name(value)));
  const select = h('select', { 'aria-label': label }, options);
  select.addEventListener('change', () => onchange(select.value));
  return select;
}

/**
 * @param {PanelParts} parts
 * @returns {Panel}
 */
export function panel({ store, route }) {
  const stills = new Stills();
  /** @type {Tile[]} */
  const tiles = [];
  /** @type {CameraRecord[]} */
  let order = [];
  let at = 0;
  let pages = 1;
  let shown = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let soon;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let turning;
  /** @type {WakeLockSentinel | null} */
  let awake = null;

  /** @param {Record<string, string>} values */
  const own = (values) => route.change({ own: { ...route.now.own, ...values } });
  const size = choice(t('wall.size'), Object.keys(SIZES), (value) => t(`wall.size.${value}`), (value) => own({ size: value }));
  const every = choice(
    t('wall.every'),
    EVERY_S,
    (value) => (value === '0' ? t('wall.every.none') : t('wall.every.some', { count: Number(value) })),
    (value) => own({ every: value === '0' ? '' : value }),
  );
  const monitor = choice(t('wall.monitor'), ONE_OF, (value) => t('wall.monitor.of', { value }), (value) =>
    own({ page: value === '1/1' ? '' : value }),
  );
  const live = h(
    'button',
    {
      type: 'button',
      class: 'toggle',
      'aria-pressed': 'false',
      onclick: () => own({ show: route.now.own?.show === 'live' ? '' : 'live' }),
    },
    t('wall.show.live'),
  );
  const back = h('button', { type: 'button', 'aria-label': t('wall.back'), title: t('wall.back'), onclick: () => turn(-1) }, '‹');
  const next = h('button', { type: 'button', 'aria-label': t('wall.next'), title: t('wall.next'), onclick: () => turn(1) }, '›');
  const where = h('p', { class: 'wall-where' });
  const sites = h('p', { class: 'wall-sites' });
  const kiosk = h('button', { type: 'button', onclick: () => own({ kiosk: '1' }) }, t('wall.kiosk'));
  const leaveKiosk = h('button', { type: 'button', class: 'wall-leave', onclick: () => own({ kiosk: '' }) }, t('wall.kiosk.leave'));
  const heading = h('h2', { class: 'visually-hidden' }, t('tab.wall'));
  const grid = h('ul', { class: 'tiles' });
  const nothing = h('p', { class: 'nothing', hidden: true }, t('wall.none'));
  const element = h(
    'div',
    { class: 'panel wall', hidden: true },
    heading,
    h(
      'div',
      { class: 'wall-head' },
      h('div', { class: 'wall-tools', role: 'group', 'aria-label': t('wall.tools') }, size, live, every, monitor, kiosk),
      h('div', { class: 'wall-bar' }, back, where, next, leaveKiosk),
    ),
    sites,
    grid,
    nothing,
  );
  new ResizeObserver(() => later()).observe(element);
  window.addEventListener('resize', () => later());
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || event.defaultPrevented || !isKiosk() || route.now.camera !== null) return;
    own({ kiosk: '' });
    event.preventDefault();
  });

  const isKiosk = () => shown && route.now.own?.kiosk === '1';

  function later() {
    if (shown) soon ??= setTimeout(draw, SOON_MS);
  }

  /** @param {number} by */
  function turn(by) {
    at += by;
    draw();
  }

  function draw() {
    clearTimeout(soon);
    soon = undefined;
    if (!shown) return;
    order = order.flatMap(({ id }) => store.records.get(id) ?? []);
    if (order.length !== store.records.size) order = [...store.records.values()];
    const cameras = filtered(order.sort(byPlace), route.now);
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const top = grid.getBoundingClientRect().top + window.scrollY;
    const room = { width: element.clientWidth / rem, height: (window.innerHeight - top) / rem };
    const { columns, count } = fit(room, SIZES[size.value]);
    const { index, records, mine } = fill(cameras, count, at, monitorOf(route.now.own?.page));
    at = index;
    pages = mine;
    grid.style.setProperty('--tiles', String(columns));
    show(records);
    nothing.hidden = records.length > 0 || !store.filled;
    setText(nothing, t(store.records.size ? 'wall.none' : 'empty.none'));
    setText(where, t('wall.where', { page: number(at + 1), pages: number(pages), count: cameras.length }));
    back.disabled = next.disabled = pages < 2;
  }

  /** @param {CameraRecord[]} records */
  function show(records) {
    while (tiles.length < records.length) {
      const tile = new Tile(later);
      tiles.push(tile);
      grid.append(tile.element);
    }
    const how = { live: route.now.own?.show === 'live' };
    const named = new Set(records.flatMap(({ camera }) => camera.site || []));
    sites.replaceChildren(...[...named].map((site) => h('bdi', {}, site)));
    tiles.forEach((tile, position) => {
      const record = records[position];
      // Where the cameras of a site begin.
      const begins = Boolean(record?.camera.site) && records[position - 1]?.camera.site !== record.camera.site;
      tile.element.toggleAttribute('data-begins', begins);
      if (record) tile.show(record, { ...how, address: write({ ...route.now, camera: record.id }) });
      else tile.clear();
    });
    stills.wish(tiles.flatMap((tile) => tile.frame ?? []));
  }

  /** Pages turn by themselves, but not away from somebody who points at one. */
  function arm() {
    clearInterval(turning);
    const seconds = Number(every.value);
    if (shown && seconds) turning = setInterval(() => !document.hidden && !grid.matches(':hover') && turn(1), seconds * 1000);
  }

  async function stayAwake() {
    const wanted = isKiosk();
    document.body.classList.toggle('kiosk', wanted);
    // The head of the page is away then.
    setAttribute(heading, 'aria-level', wanted ? 1 : null);
    if (!wanted) {
      awake?.release();
      awake = null;
    } else awake ??= (await navigator.wakeLock?.request('screen').catch(() => null)) ?? null;
  }

  return {
    element,
    enter() {
      shown = true;
    },
    leave() {
      shown = false;
      clearInterval(turning);
      for (const tile of tiles) tile.clear();
      stills.wish([]);
      stayAwake();
    },
    show(change) {
      if (change.cameras.size || change.structure) later();
    },
    view({ own: wanted = {} }) {
      size.value = Object.hasOwn(SIZES, wanted.size) ? wanted.size : 'm';
      every.value = EVERY_S.includes(wanted.every) ? wanted.every : '0';
      monitor.value = monitorOf(wanted.page).join('/');
      setAttribute(live, 'aria-pressed', String(wanted.show === 'live'));
      stayAwake();
      arm();
      draw();
    },
  };
}
