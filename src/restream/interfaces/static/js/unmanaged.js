// Paths at the media server that belong to no row of the cameras table.

import { h, setText } from './dom.js';
import { api } from './api.js';
import { bitrate, bytes, number } from './format.js';
import { fetchingPanel } from './panel.js';
import { table } from './table.js';
import { t } from './i18n.js';
import { secondsSince, showTime } from './clock.js';

const EVERY_S = 5;

/** @returns {Panel} */
export function panel() {
  const note = h('p', { class: 'note' }, t('unmanaged.text'));
  const stale = h('p', { class: 'warning', hidden: true });
  /** @param {string} iso */
  const time = (iso) => {
    const element = h('time');
    showTime(element, iso, 'ago');
    return element;
  };
  const paths = table(
    t('tab.unmanaged'),
    [
      { label: t('streams.path'), cell: (row) => row.name },
      { label: t('streams.state'), cell: (row) => t(row.live ? 'streams.available' : 'streams.waiting') },
      { label: t('streams.source'), cell: (row) => row.source },
      { label: t('streams.publisher'), cell: (row) => row.publisher },
      { label: t('streams.tracks'), cell: (row) => row.tracks },
      { label: t('column.bitrate'), numeric: true, cell: (row) => bitrate(row.bitrate) },
      { label: t('streams.received'), numeric: true, cell: (row) => bytes(row.received) },
      { label: t('column.readers'), numeric: true, cell: (row) => number(row.readers) },
      { label: t('streams.moved'), cell: (row) => time(row.moved) },
    ],
    t('unmanaged.none'),
  );
  /** @param {Streams["streams"][number]} stream */
  const row = (stream) => ({
    name: stream.name,
    live: stream.available && stream.online !== false,
    source: stream.source_type ?? '',
    publisher: stream.publisher?.remote_address ?? stream.srt?.remote_address ?? '',
    tracks: (stream.tracks ?? []).join(', '),
    bitrate: stream.bitrate_bps,
    received: stream.inbound_bytes,
    readers: stream.readers,
    moved: stream.moved,
  });
  /** @param {Streams} picture */
  const show = ({ fresh, observed, streams }) => {
    stale.hidden = fresh;
    setText(stale, observed ? t('streams.stale', { time: Math.max(0, secondsSince(observed)) }) : t('streams.never'));
    paths.show(streams.filter((stream) => !stream.managed).map(row));
  };
  return fetchingPanel({
    name: 'unmanaged',
    everyS: EVERY_S,
    load: api.streams,
    show,
    children: [note, stale, paths.element],
  });
}
