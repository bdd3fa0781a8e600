// What cameras are filtered by, beside health, fault and words: each by one value that they have.

import { word } from './i18n.js';

/** @typedef {'site' | 'type' | 'phase' | 'engine' | 'server' | 'node'} Filter */

/**
 * Which value a camera has; '' where it has none. `name`: how a value is shown.
 * @type {Record<Filter, { pick: (camera: Camera) => string, name?: (value: string) => string }>}
 */
export const FILTERS = {
  site: { pick: (camera) => camera.site },
  type: { pick: (camera) => camera.camera_type },
  phase: { pick: (camera) => camera.phase, name: (value) => word('phase', value) },
  engine: { pick: (camera) => camera.engine ?? '' },
  server: { pick: (camera) => camera.media_server ?? '' },
  node: { pick: (camera) => camera.node },
};

export const FILTER_NAMES = /** @type {Filter[]} */ (Object.keys(FILTERS));

/**
 * A value for each filter.
 * @template Value
 * @param {(name: Filter) => Value} make
 */
export function ofEach(make) {
  return /** @type {Record<Filter, Value>} */ (Object.fromEntries(FILTER_NAMES.map((name) => [name, make(name)])));
}

/**
 * Whether a camera has every value that is wanted.
 * @param {Camera} camera
 * @param {[Filter, string][]} wanted
 */
export function passes(camera, wanted) {
  return wanted.every(([name, value]) => FILTERS[name].pick(camera) === value);
}

/**
 * What the service is asked for the same list (`GET /api/cameras`).
 * @param {View} view
 */
export function question(view) {
  const { health, fault, q, sort } = view;
  // A value as it is, whatever stands in it.
  const exact = asked(view).map(([name, value]) => [name, `"${value.replaceAll('"', '""')}"`]);
  const given = { health: health.join(','), fault: fault.join(','), q, sort: sort === 'worst' ? '' : sort };
  return { ...Object.fromEntries(Object.entries(given).filter(([, value]) => value)), ...Object.fromEntries(exact) };
}

/**
 * @param {View} view
 * @returns {[Filter, string][]}
 */
export function asked(view) {
  return FILTER_NAMES.flatMap((name) => {
    const value = view[name];
    return value === null ? [] : [[name, value]];
  });
}
