// Which cameras are shown in which order: filter, sort, group. Pure; rows come out as a flat list of items.

import { asked, passes } from './filters.js';
import { condensed } from './condensed.js';
import { collator } from './format.js';
import { incidents, incidentTitle } from './incidents.js';
import { HEALTHS } from './store.js';

/** @typedef {(a: CameraRecord, b: CameraRecord) => number} Comparison */
/** @typedef {(key: string, byDefault: boolean) => boolean} IsOpen */

/** @type {Comparison} */
const byId = (a, b) => a.number - b.number || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
/**
 * @param {(camera: Camera) => string} pick
 * @returns {Comparison}
 */
const text = (pick) => (a, b) => collator().compare(pick(a.camera), pick(b.camera));
/**
 * @param {(camera: Camera) => number | null} pick
 * @returns {Comparison}
 */
const largest = (pick) => (a, b) => (pick(b.camera) ?? -1) - (pick(a.camera) ?? -1);
/**
 * @param {string} x
 * @param {string} y
 */
const order = (x, y) => (x < y ? -1 : x > y ? 1 : 0);
/**
 * @param {(camera: Camera) => string | null} pick
 * @returns {Comparison}
 */
const latest = (pick) => (a, b) => order(pick(b.camera) ?? '', pick(a.camera) ?? '');

const newest = latest((camera) => camera.verdict.since);
const DOWN = HEALTHS.indexOf('down');
const DEGRADED = HEALTHS.indexOf('degraded');

/**
 * Comparisons by the name in the address; a leading minus reverses. `ascending` is for screen readers.
 * @type {Record<string, { compare: Comparison, ascending: boolean }>}
 */
export const SORTS = {
  // What broke just now is what an operator has not seen yet.
  worst: { compare: (a, b) => a.rank - b.rank || (a.rank === DOWN ? newest(a, b) : 0), ascending: false },
  id: { compare: () => 0, ascending: true },
  name: { compare: text((camera) => camera.name), ascending: true },
  site: { compare: text((camera) => camera.site), ascending: true },
  phase: { compare: text((camera) => camera.phase), ascending: true },
  engine: { compare: text((camera) => camera.engine ?? ''), ascending: true },
  server: { compare: text((camera) => camera.media_server ?? ''), ascending: true },
  node: { compare: text((camera) => camera.node), ascending: true },
  reason: {
    compare: (a, b) => Number(a.cause === '') - Number(b.cause === '') || order(a.cause, b.cause),
    ascending: true,
  },
  since: { compare: newest, ascending: true },
  bitrate: { compare: largest((camera) => camera.bitrate_bps), ascending: false },
  readers: { compare: largest((camera) => camera.readers), ascending: false },
  restarts: { compare: largest((camera) => camera.restarts), ascending: false },
  retry: { compare: (a, b) => order(a.camera.next_retry ?? '~', b.camera.next_retry ?? '~'), ascending: true },
};

/**
 * @param {string} sort
 * @returns {Comparison}
 */
export function comparison(sort) {
  const reversed = sort.startsWith('-');
  const name = sort.replace('-', '');
  const { compare } = SORTS[name];
  return reversed ? (a, b) => compare(b, a) || byId(a, b) : (a, b) => compare(a, b) || byId(a, b);
}

/**
 * How a click on a column changes the sort; `null` clicks were never sorted by it.
 * @param {string} now
 * @param {string} column
 */
export function nextSort(now, column) {
  return now === column ? `-${column}` : column;
}

/**
 * @param {CameraRecord[]} records
 * @param {View} route
 */
export function filtered(records, route) {
  const { health, fault } = route;
  const exact = asked(route);
  const words = route.q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  for (const record of records) {
    const { camera } = record;
    if (health.length && !health.includes(camera.verdict.health)) continue;
    if (fault.length && !fault.includes(camera.verdict.fault)) continue;
    if (!passes(camera, exact)) continue;
    if (words.length && !words.every((word) => record.search.includes(word))) continue;
    found.push(record);
  }
  return found;
}

/** @type {Record<string, (record: CameraRecord) => string>} */
const KEYS = {
  site: (record) => record.camera.site,
  host: (record) => record.camera.host,
  cause: (record) => record.cause,
};

/**
 * A row that stands for several cameras and opens to them.
 * @template {"group" | "incident"} Kind
 * @param {Kind} kind
 * @param {string} key
 * @param {CameraRecord[]} records
 * @param {boolean} open
 * @returns {Heading<Kind>}
 */
function heading(kind, key, records, open) {
  /** @type {Partial<Record<Health, number>>} */
  const counts = {};
  for (const { camera } of records) counts[camera.verdict.health] = (counts[camera.verdict.health] ?? 0) + 1;
  return { kind, key: `${kind}:${key}`, id: null, value: key, counts, total: records.length, open };
}

/**
 * @param {CameraRecord} record
 * @param {boolean} inside
 * @returns {CameraItem}
 */
const cameraItem = (record, inside = false) => ({
  kind: 'camera',
  key: `camera:${record.id}`,
  id: record.id,
  record,
  inside,
});

/**
 * @param {CameraRecord[]} sorted
 * @param {View} route
 * @param {IsOpen} isOpen
 */
function grouped(sorted, route, isOpen) {
  /** @type {Map<string, CameraRecord[]>} */
  const groups = new Map();
  for (const record of sorted) {
    const key = KEYS[route.group](record);
    const members = groups.get(key);
    if (members) members.push(record);
    else groups.set(key, [record]);
  }
  /** @type {Item[]} */
  const items = [];
  // Sorted worst first, the group of the worst camera comes first; an empty key goes last.
  const entries = [...groups].sort(([a], [b]) => Number(a === '') - Number(b === ''));
  for (const [key, members] of entries) {
    const item = { ...heading('group', key, members, isOpen(`group:${key}`, true)), by: route.group };
    items.push(item);
    if (item.open) for (const record of members) items.push(cameraItem(record, true));
  }
  return items;
}

/**
 * How large an incident is says the whole fleet; what is filtered out is not listed below it. So with cameras that are
 * degraded for one reason, which come where degraded ones do.
 * @param {CameraRecord[]} all
 * @param {Map<string, CameraRecord>} records
 * @param {CameraRecord[]} shown
 * @param {IsOpen} isOpen
 * @param {Iterable<OpenIncident>} open
 */
function withIncidents(all, records, shown, isOpen, open) {
  const listed = shown.length === records.size ? null : new Set(shown);
  const covered = new Set();
  /**
   * @param {string} key
   * @param {CameraRecord[]} affected
   * @param {{ title: string, cause: string, acknowledged: string | null }} told
   * @returns {Item[]}
   */
  const rows = (key, affected, told) => {
    const members = listed ? affected.filter((record) => listed.has(record)) : affected;
    if (!members.length) return [];
    for (const record of members) covered.add(record);
    const item = { ...heading('incident', key, affected, isOpen(`incident:${key}`, false)), ...told };
    return [item, ...(item.open ? members.map((record) => cameraItem(record, true)) : [])];
  };
  const items = incidents(open, records).flatMap(({ key, incident, records: affected }) => {
    const { cause, acknowledged } = incident;
    const title = incidentTitle(incident, records);
    return rows(key, affected, { title, cause, acknowledged: acknowledged?.who ?? null });
  });
  const alike = condensed(all).flatMap(({ key, records: affected, title, cause }) =>
    rows(key, affected, { title, cause, acknowledged: null }),
  );
  const rest = shown.filter((record) => !covered.has(record)).map((record) => cameraItem(record));
  const place = rest.findIndex(({ record }) => record.rank >= DEGRADED);
  return [...items, ...rest.slice(0, place < 0 ? rest.length : place), ...alike, ...(place < 0 ? [] : rest.slice(place))];
}

/**
 * The rows of the list. `kept` is the order of the last time: nearly sorted input sorts fast.
 * @param {Map<string, CameraRecord>} records
 * @param {View} route
 * @param {IsOpen} isOpen
 * @param {CameraRecord[]} kept
 * @param {Iterable<OpenIncident>} open incidents
 * @returns {Arranged}
 */
export function arrange(records, route, isOpen, kept = [], open = []) {
  const known = kept.flatMap((record) => records.get(record.id) ?? []);
  const all = known.length === records.size ? known : [...records.values()];
  all.sort(comparison(route.sort));
  const sorted = filtered(all, route);
  /** @type {Item[]} */
  let items;
  if (route.group !== 'none') items = grouped(sorted, route, isOpen);
  // Who searches or sorts by a column wants cameras, not summaries.
  else if (route.sort === 'worst' && !route.q) items = withIncidents(all, records, sorted, isOpen, open);
  else items = sorted.map((record) => cameraItem(record));
  return { items, shown: sorted.length, total: records.size, order: all };
}
