// Cameras that are degraded for one reason, behind one host, at one site or everywhere: a row each in place of hundreds. Pure.

import { t } from './i18n.js';

/**
 * How many make a row; the narrowest comes first, what it leaves goes on to the next.
 * @type {{ by: string, least: number, place: (camera: Camera) => string }[]}
 */
const LEVELS = [
  { by: 'host', least: 5, place: (camera) => camera.host },
  { by: 'site', least: 10, place: (camera) => camera.site },
  { by: 'cause', least: 20, place: () => '*' },
];

/**
 * @typedef {object} Condensed
 * @property {string} key
 * @property {string} title
 * @property {string} cause
 * @property {CameraRecord[]} records
 */

/**
 * Of the whole fleet, so that a filter changes no sizes; largest first.
 * @param {CameraRecord[]} all in the order of the list
 * @returns {Condensed[]}
 */
export function condensed(all) {
  /** @type {Condensed[]} */
  const found = [];
  let left = all.filter(({ camera, cause }) => camera.verdict.health === 'degraded' && cause);
  for (const { by, least, place } of LEVELS) {
    if (left.length < least) continue;
    /** @type {Map<string, CameraRecord[]>} */
    const places = new Map();
    for (const record of left) {
      const key = place(record.camera) && JSON.stringify([by, record.cause, place(record.camera)]);
      const members = places.get(key);
      if (members) members.push(record);
      else places.set(key, [record]);
    }
    left = [];
    for (const [key, records] of places) {
      if (!key || records.length < least) {
        left.push(...records);
        continue;
      }
      const { cause, camera } = records[0];
      const told = { place: place(camera), count: records.length };
      found.push({ key, cause, records, title: t(by === 'cause' ? 'condensed.cause' : `incident.${by}`, told) });
    }
  }
  return found.sort((a, b) => b.records.length - a.records.length);
}
