// Streams of third-party servers that the service polls.

import { h, memo } from './dom.js';
import { api } from './api.js';
import { number } from './format.js';
import { fetchingPanel } from './panel.js';
import { table } from './table.js';
import { t } from './i18n.js';
import { healthMark } from './columns.js';
import { showTime } from './clock.js';

const EVERY_S = 15;

/**
 * @param {PanelParts} parts
 * @returns {Panel}
 */
export function panel({ appear }) {
  const box = h('div', { class: 'hosts' });
  const show = memo(box);
  const fetching = fetchingPanel({
    name: 'visionaire',
    everyS: EVERY_S,
    load: api.visionaire,
    show: ({ hosts }) =>
      show(
        hosts.map(({ age_s: _, ...rest }) => rest),
        () => hosts.map(host),
      ),
    children: [box],
  });
  const begin = async () => appear(((await api.visionaire().catch(() => null))?.hosts ?? []).length > 0);
  return { ...fetching, begin };
}

/** @param {boolean} up */
function mark(up) {
  const element = h('span', { class: 'mark' });
  healthMark(element)(up ? 'healthy' : 'down');
  return element;
}

/** @param {Visionaire["hosts"][number]} picture */
function host(picture) {
  const seen = h('time');
  showTime(seen, picture.observed, 'ago');
  const streams = table(
    picture.host,
    [
      { label: t('column.health'), cell: (row) => mark(row.up) },
      { label: t('column.id'), cell: (row) => row.stream_id },
      { label: t('column.name'), cell: (row) => row.name },
      { label: t('visionaire.node'), cell: (row) => String(row.node_num) },
      { label: t('column.phase'), cell: (row) => row.state },
      { label: t('visionaire.fps'), numeric: true, cell: (row) => number(row.fps, 1) },
      { label: t('visionaire.size'), cell: (row) => (row.width && row.height ? `${row.width} × ${row.height}` : '–') },
      { label: t('visionaire.error'), cell: (row) => row.error ?? '' },
    ],
    t('visionaire.none'),
  );
  streams.show([...picture.streams].sort((a, b) => Number(a.up) - Number(b.up)));
  const facts = h(
    'p',
    { class: 'note' },
    t(picture.fresh ? 'visionaire.fresh' : 'visionaire.stale'),
    ' · ',
    seen,
    ' · ',
    t('visionaire.response', { time: Math.round(picture.response_time_s * 1000) }),
    ' · ',
    t('visionaire.errors', { count: picture.errors_total }),
  );
  return h(
    'section',
    { class: 'host' },
    h('h3', {}, picture.host),
    facts,
    picture.error ? h('p', { class: 'error' }, picture.error) : null,
    streams.element,
  );
}
