// One incident: what it is, who has it in hand, what can be done about it.

import { h } from './dom.js';
import { full, moment } from './format.js';
import { incidentTitle } from './incidents.js';
import { causeTitle } from './reasons.js';
import { serverNow, showTime } from './clock.js';
import { t, word } from './i18n.js';
import { icon } from './icons.js';

/** Cameras that are listed in a card. */
export const LISTED = 200;

/**
 * @param {OpenIncident} incident
 * @param {{
 *   records: Map<string, CameraRecord>, route: Route, mayAct: boolean, whole: boolean,
 *   deeds: import('./incidentdeeds.js').IncidentDeeds,
 * }} parts
 */
export function incidentCard(incident, { records, route, mayAct, whole, deeds }) {
  const isOpen = incident.ended === null;
  const began = h('time');
  showTime(began, incident.began, 'ago');
  const title = h('h4', {}, icon(isOpen ? 'down' : 'healthy'), ' ', h('bdi', {}, incidentTitle(incident, records)));
  const link = whole
    ? null
    : h('a', { href: `#tab=incidents&incident=${encodeURIComponent(incident.id)}` }, t('incident.details'));
  const facts = [causeTitle(incident.cause)];
  if (incident.scope !== 'camera') facts.push(t('incident.most', { count: incident.most }));
  if (incident.times > 1) facts.push(t('incident.times', { count: incident.times }));
  return h(
    'article',
    { class: 'incident-card', 'data-health': isOpen ? 'down' : 'healthy', 'data-incident': incident.id },
    title,
    h('p', {}, `${t('incident.began')} `, began, ` (${full(incident.began)}) · `, facts.join(' · ')),
    incident.ended === null ? null : h('p', {}, t('incident.ended', { time: full(incident.ended) })),
    incident.merged_into ? merged(incident.merged_into) : null,
    hands(incident),
    isOpen || whole ? buttons(incident, { mayAct, deeds, link }) : link,
    whole ? entries(incident) : null,
    whole ? cameras(incident, records, route) : null,
  );
}

/** @param {string} id */
function merged(id) {
  return h('p', {}, h('a', { href: `#tab=incidents&incident=${encodeURIComponent(id)}` }, t('incident.merged')));
}

/**
 * Who has it in hand, and until when it rests.
 * @param {OpenIncident} incident
 */
function hands({ acknowledged, snoozed_until: snoozed }) {
  const told = [];
  if (acknowledged) {
    const words = t('incident.acknowledged', { who: acknowledged.who || '–', time: moment(acknowledged.at) });
    told.push(h('p', { class: 'incident-hands' }, icon('up'), ' ', h('bdi', {}, words), note(acknowledged.text)));
  }
  if (snoozed && Date.parse(snoozed) > serverNow())
    told.push(h('p', { class: 'incident-hands' }, t('incident.snoozed', { time: moment(snoozed) })));
  return h('div', {}, told);
}

/** @param {string} text */
function note(text) {
  return text ? h('q', {}, text) : null;
}

/**
 * @param {OpenIncident} incident
 * @param {{ mayAct: boolean, link: Child, deeds: import('./incidentdeeds.js').IncidentDeeds }} parts
 */
function buttons(incident, { mayAct, deeds, link }) {
  const isOpen = incident.ended === null;
  /** @type {IncidentDeed[]} */
  const names = isOpen ? [incident.acknowledged ? 'withdraw' : 'acknowledge', 'note', 'snooze'] : ['note'];
  return h(
    'div',
    { class: 'buttons' },
    names.map((name) =>
      h(
        'button',
        { type: 'button', disabled: !mayAct, 'data-deed': name, onclick: () => deeds.ask(incident, name) },
        t(`deed.${name}`),
      ),
    ),
    isOpen
      ? h(
          'button',
          { type: 'button', disabled: !mayAct, 'data-deed': 'all', onclick: () => deeds.actOnAll(incident) },
          t('deed.all'),
        )
      : null,
    link,
  );
}

/** @param {OpenIncident} incident */
function entries({ entries: found }) {
  if (!found.length) return null;
  return h(
    'ol',
    { class: 'incident-entries' },
    found.map((entry) =>
      h(
        'li',
        {},
        h('time', { datetime: entry.at, title: full(entry.at) }, moment(entry.at)),
        ' ',
        h('bdi', { class: 'who' }, entry.who || '–'),
        ` ${t(`deed.${entry.deed}.done`, { time: entry.until ? moment(entry.until) : '' })} `,
        note(entry.text),
      ),
    ),
  );
}

/**
 * @param {OpenIncident} incident
 * @param {Map<string, CameraRecord>} records
 * @param {Route} route
 */
function cameras(incident, records, route) {
  const shown = incident.cameras.slice(0, LISTED);
  const rest = incident.cameras.length - shown.length;
  return h(
    'ul',
    { class: 'incident-cameras' },
    shown.map((id) => {
      const camera = records.get(id)?.camera;
      const health = camera?.verdict.health ?? 'unknown';
      const open = () => route.change({ camera: id }, { step: true });
      return h(
        'li',
        { 'data-health': health },
        icon(health),
        ' ',
        h('span', { class: 'visually-hidden' }, `${word('health', health)}: `),
        camera
          ? h('button', { type: 'button', class: 'link', onclick: open }, h('bdi', {}, `${id} ${camera.name}`))
          : h('bdi', {}, id),
      );
    }),
    rest > 0 ? h('li', {}, t('incident.more', { count: rest })) : null,
  );
}
