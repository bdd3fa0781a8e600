// What happened to one camera: availability in figures, and its last events.

import { h, memo } from './dom.js';
import { duration, number, uptime } from './format.js';
import { eventItem } from './events.js';
import { t } from './i18n.js';

const SHOWN = 50;

export function history() {
  const figures = h('tbody');
  const showFigures = memo(figures);
  const list = h('ol', { class: 'events small' });
  const nothing = h('p', { class: 'nothing' }, t('events.none'));
  const names = ['uptime', 'restarts', 'flaps', 'longest'];
  const head = h(
    'tr',
    {},
    h('th', { scope: 'col' }, t('availability.window')),
    names.map((name) => h('th', { scope: 'col', class: 'numeric' }, t(`availability.${name}`))),
  );
  const element = h(
    'section',
    { class: 'details history', 'aria-label': t('drawer.history') },
    h('h3', {}, t('drawer.history')),
    h(
      'table',
      { class: 'availability' },
      h('caption', { class: 'visually-hidden' }, t('availability.label')),
      h('thead', {}, head),
      figures,
    ),
    h('h4', {}, t('drawer.events')),
    list,
    nothing,
  );
  /** @param {[string, CameraDetails["availability"]["1h"]]} row */
  const line = ([window, each]) => {
    const partial =
      each.known_s + 60 < (window === '1h' ? 3600 : 86400)
        ? t('availability.known', { time: duration(each.known_s) })
        : '';
    const ratio = h(
      'td',
      { class: 'numeric strong' },
      uptime(each.uptime_ratio),
      partial ? h('small', {}, ` ${partial}`) : null,
    );
    return h(
      'tr',
      {},
      h('th', { scope: 'row' }, t(`availability.${window}`)),
      ratio,
      [number(each.restarts), number(each.flaps), each.longest_outage_s ? duration(each.longest_outage_s) : '–'].map(
        (text) => h('td', { class: 'numeric' }, text),
      ),
    );
  };
  let last = -1;
  /** @param {ServiceEvent[]} events */
  const add = (events) => {
    for (const event of events) {
      if (event.id <= last) continue;
      last = event.id;
      list.prepend(eventItem(event));
    }
    while (list.childElementCount > SHOWN) list.lastChild?.remove();
    nothing.hidden = list.childElementCount > 0;
  };
  return {
    element,
    add,
    /** @param {ServiceEvent[]} events */
    replace(events) {
      last = -1;
      list.replaceChildren();
      add(events);
    },
    /** @param {CameraDetails} details */
    show({ availability }) {
      const known = Object.entries(availability ?? {});
      showFigures(known, () => known.map(line));
    },
  };
}
