// Incidents: those that are open, what is done about them, and those of the last day.

import { h, keyed, memo, setText } from './dom.js';
import { api } from './api.js';
import { LISTED, incidentCard } from './incidentcard.js';
import { incidentDeeds } from './incidentdeeds.js';
import { nightLine } from './nightline.js';
import { explain } from './panel.js';
import { serverNow } from './clock.js';
import { t } from './i18n.js';

const DAY_MS = 24 * 3600 * 1000;
const MOST = 500;
/** Cards; more are told by their number. */
const SHOWN = 50;
const EVERY_MS = 30_000;

/**
 * What nobody has in hand comes first, then the largest, then the newest.
 * @param {OpenIncident} a
 * @param {OpenIncident} b
 */
function urgent(a, b) {
  const hands = Number(a.acknowledged !== null) - Number(b.acknowledged !== null);
  return hands || b.total - a.total || (a.began < b.began ? 1 : -1);
}

/**
 * @param {PanelParts} parts
 * @returns {Panel}
 */
export function panel({ store, route, count }) {
  /** @type {OpenIncident[]} */
  let past = [];
  let mayAct = true;
  let wanted = '';
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let again;
  const error = h('p', { class: 'error', role: 'alert' });
  const open = h('ul', { class: 'incident-cards' });
  const nothing = h('p', { class: 'nothing' }, t('empty.waiting'));
  const more = h('p', { class: 'note', hidden: true });
  const line = nightLine({ records: store.records, onOpen: (id) => show(id) });
  const chosen = h('div', { class: 'incident-chosen' });
  const drawChosen = memo(chosen);
  const element = h(
    'div',
    { class: 'panel incidents', hidden: true },
    h('h2', { class: 'visually-hidden' }, t('tab.incidents')),
    error,
    chosen,
    h('h3', {}, t('incidents.open')),
    open,
    more,
    nothing,
    h('h3', {}, t('incidents.night')),
    line.element,
  );
  const deeds = incidentDeeds({
    store,
    done: (incident) => {
      store.putIncident(incident);
      past = past.map((each) => (each.id === incident.id ? incident : each));
      draw();
    },
  });

  /** @param {string} id */
  const show = (id) => route.change({ tab: 'incidents', own: { incident: id } }, { step: true });
  /** @param {OpenIncident} incident */
  const card = (incident) =>
    incidentCard(incident, {
      records: store.records,
      route,
      mayAct,
      deeds,
      whole: incident.id === wanted,
    });

  const drawOpen = keyed(open, (/** @type {OpenIncident} */ { id }) => id, (each) => h('li', {}, card(each)));

  function draw() {
    const found = [...store.incidents.values()].sort(urgent);
    count(found.length || null);
    if (element.hidden) return;
    const all = new Map([...past, ...found].map((each) => [each.id, each]));
    const one = all.get(wanted);
    const listed = found.filter((each) => each !== one).slice(0, SHOWN);
    // Cameras that are listed are shown as they are now.
    const listing = one?.cameras.slice(0, LISTED).map((id) => store.records.get(id)?.camera.verdict.health ?? null);
    drawChosen([wanted, one, listing, mayAct], () =>
      one ? card(one) : wanted ? h('p', { class: 'nothing' }, t('incidents.unknown')) : false,
    );
    drawOpen(listed, (each) => [each, mayAct]);
    const rest = found.length - listed.length - (one && one.ended === null ? 1 : 0);
    more.hidden = rest <= 0;
    setText(more, t('incidents.more', { count: rest }));
    nothing.hidden = found.length > 0;
    // What has not been told yet is not "nothing".
    setText(nothing, t(store.filled ? 'incidents.none' : 'empty.waiting'));
    if (store.filled) line.show([...all.values()], serverNow());
  }

  async function load() {
    try {
      const since = new Date(serverNow() - DAY_MS).toISOString();
      const found = await api.incidents({ since, limit: MOST });
      past = found.incidents.filter((each) => each.ended !== null);
      if (wanted && !past.some(({ id }) => id === wanted) && !store.incidents.has(wanted)) {
        const one = await api.incident(wanted).catch(() => null);
        if (one) past.push(one);
      }
      setText(error, '');
    } catch (problem) {
      setText(error, explain(problem));
    }
    draw();
  }

  return {
    element,
    enter() {
      draw();
      load();
      again = setInterval(load, EVERY_MS);
    },
    leave() {
      clearInterval(again);
    },
    view({ own }) {
      const before = wanted;
      wanted = own?.incident ?? '';
      if (wanted === before) return;
      draw();
      if (wanted && !store.incidents.has(wanted)) load();
    },
    /** @param {Change} change */
    show({ incidents, ended, cameras }) {
      if (incidents || (wanted && cameras.size)) draw();
      if (ended && !element.hidden) load();
    },
    session(session) {
      mayAct = session?.may_write ?? true;
      draw();
    },
  };
}
