// The last twelve hours: a bar for every incident, from its beginning to its end.

import { h, keyed, memo } from './dom.js';
import { full, moment } from './format.js';
import { incidentTitle } from './incidents.js';
import { causeTitle } from './reasons.js';
import { t } from './i18n.js';

const SPAN_MS = 12 * 3600 * 1000;
const HOUR_MS = 3600 * 1000;
const SHOWN = 60;
/** Per cent of the line. */
const LEAST = 0.5;

/** @param {{ records: Map<string, CameraRecord>, onOpen: (id: string) => void }} parts */
export function nightLine({ records, onOpen }) {
  const hours = h('div', { class: 'night-hours', 'aria-hidden': 'true' });
  const rows = h('ol', { class: 'night-rows' });
  const nothing = h('p', { class: 'nothing' }, t('incidents.night.none'));
  const element = h('div', { class: 'night', hidden: true }, hours, rows, nothing);
  const drawHours = memo(hours);
  let [from, now] = [0, 0];
  const drawRows = keyed(rows, (/** @type {OpenIncident} */ { id }) => id, (each) => row(each));

  /** @param {OpenIncident} incident */
  function row(incident) {
    const begin = Math.max(from, Date.parse(incident.began));
    const end = incident.ended === null ? now : Date.parse(incident.ended);
    const place = (/** @type {number} */ at) => Math.min(100, Math.max(0, ((at - from) / (now - from)) * 100));
    const bar = h('span', { class: 'night-bar', 'data-health': incident.ended === null ? 'down' : 'disabled' });
    // What has just begun is seen too, and within the line.
    const start = Math.min(100 - LEAST, place(begin));
    bar.style.insetInlineStart = `${start}%`;
    bar.style.width = `${Math.max(LEAST, place(end) - start)}%`;
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
     * @param {number} at (ms)
     */
    show(incidents, at) {
      // Bars move once a minute.
      const minute = Math.floor(at / 60_000);
      [from, now] = [at - SPAN_MS, at];
      const found = incidents
        .filter((each) => !each.merged_into && (each.ended === null || Date.parse(each.ended) > from))
        .sort((a, b) => (a.began < b.began ? 1 : -1))
        .slice(0, SHOWN);
      drawHours(minute, () =>
        Array.from({ length: 5 }, (_, each) => h('span', {}, moment(new Date(from + each * 3 * HOUR_MS).toISOString()))),
      );
      drawRows(found, (each) => [each, minute]);
      element.hidden = false;
      nothing.hidden = found.length > 0;
      hours.hidden = !found.length;
    },
  };
}
