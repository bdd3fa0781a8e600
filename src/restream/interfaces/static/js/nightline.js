// The last twelve hours: a bar for every incident, from its beginning to its end.

import { h, memo } from './dom.js';
import { full, moment } from './format.js';
import { incidentTitle } from './incidents.js';
import { causeTitle } from './reasons.js';
import { t } from './i18n.js';

const SPAN_MS = 12 * 3600 * 1000;
const HOUR_MS = 3600 * 1000;
const SHOWN = 150;

/** @param {{ records: Map<string, CameraRecord>, onOpen: (id: string) => void }} parts */
export function nightLine({ records, onOpen }) {
  const element = h('div', { class: 'night' });
  const draw = memo(element);

  /**
   * @param {OpenIncident} incident
   * @param {number} from
   * @param {number} now
   */
  function row(incident, from, now) {
    const begin = Math.max(from, Date.parse(incident.began));
    const end = incident.ended === null ? now : Date.parse(incident.ended);
    const place = (/** @type {number} */ at) => Math.min(100, Math.max(0, ((at - from) / (now - from)) * 100));
    const bar = h('span', { class: 'night-bar', 'data-health': incident.ended === null ? 'down' : 'disabled' });
    bar.style.insetInlineStart = `${place(begin)}%`;
    bar.style.width = `${Math.max(0.5, place(end) - place(begin))}%`;
    const span = `${moment(incident.began)} – ${incident.ended === null ? t('incident.still') : moment(incident.ended)}`;
    const last = incident.entries.at(-1);
    return h(
      'li',
      { class: 'night-row', title: `${full(incident.began)} – ${incident.ended === null ? '' : full(incident.ended)}` },
      h(
        'button',
        { type: 'button', class: 'link', onclick: () => onOpen(incident.id) },
        h('bdi', {}, incidentTitle(incident, records)),
      ),
      h('span', { class: 'night-track' }, bar),
      h('span', { class: 'night-text' }, [span, causeTitle(incident.cause)].join(' · ')),
      last ? h('bdi', { class: 'night-text' }, [last.who, last.text].filter(Boolean).join(': ')) : null,
    );
  }

  return {
    element,
    /**
     * @param {OpenIncident[]} incidents
     * @param {number} now (ms)
     */
    show(incidents, now) {
      const from = now - SPAN_MS;
      const found = incidents
        .filter((each) => !each.merged_into && (each.ended === null || Date.parse(each.ended) > from))
        .sort((a, b) => (a.began < b.began ? 1 : -1))
        .slice(0, SHOWN);
      // Bars move once a minute.
      draw([found, Math.floor(now / 60_000)], () => {
        if (!found.length) return h('p', { class: 'nothing' }, t('incidents.night.none'));
        const hours = Array.from({ length: 5 }, (_, each) => new Date(from + each * 3 * HOUR_MS).toISOString());
        return [
          h('div', { class: 'night-hours', 'aria-hidden': 'true' }, hours.map((each) => h('span', {}, moment(each)))),
          h('ol', { class: 'night-rows' }, found.map((each) => row(each, from, now))),
        ];
      });
    },
  };
}
