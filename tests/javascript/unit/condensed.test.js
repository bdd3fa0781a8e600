import assert from 'node:assert/strict';
import { test } from 'node:test';

import { condensed } from '../../../src/restream/interfaces/static/js/condensed.js';
import { arrange } from '../../../src/restream/interfaces/static/js/view.js';
import { camera, down, records } from './fleet.js';

const frozen = (id, place) => camera(id, { health: 'degraded', fault: 'camera', code: 'picture_frozen', ...place });
const range = (from, count) => Array.from({ length: count }, (_, index) => String(from + index));
const sizes = (found) => found.map(({ key, records: members }) => [...JSON.parse(key), members.length]);
const view = { q: '', health: [], fault: [], group: 'none', sort: 'worst' };
const filters = { site: null, type: null, phase: null, engine: null, server: null, node: null };

test('the narrowest that explains enough of them makes a row', () => {
  const all = records(
    ...range(1, 30).map((id) => frozen(id, { host: 'nvr', site: 'A' })),
    ...range(100, 12).map((id) => frozen(id, { host: `b${id}`, site: 'B' })),
    ...range(200, 20).map((id) => frozen(id, { host: `c${id}`, site: `C${id}` })),
    ...range(300, 4).map((id) => frozen(id, { host: 'few', site: 'D' })),
  );
  assert.deepEqual(sizes(condensed(all)), [
    ['host', 'picture_frozen', 'nvr', 30],
    ['cause', 'picture_frozen', '*', 24],
    ['site', 'picture_frozen', 'B', 12],
  ]);
});

test('few, and those without a place in common, are rows of their own', () => {
  assert.deepEqual(condensed(records(...range(1, 9).map((id) => frozen(id, { site: 'A' })))), []);
  const other = range(1, 9).map((id) => camera(id, { health: 'degraded', code: `code_${id}`, host: 'nvr' }));
  assert.deepEqual(condensed(records(...other)), []);
});

test('they come after cameras that are down, with the size of the whole fleet', () => {
  const cameras = [...range(1, 300).map((id) => frozen(id, { host: 'nvr' })), down('900', 'refused', 'camera'), camera('901')];
  const all = new Map(records(...cameras).map((each) => [each.id, each]));
  const found = arrange(all, { ...view, ...filters }, () => false).items;
  assert.deepEqual(
    found.map((item) => item.id ?? [item.total, item.cause]),
    ['900', [300, 'picture_frozen'], '901'],
  );
  const opened = arrange(all, { ...view, ...filters, health: ['degraded'] }, () => true).items;
  assert.equal(opened.length, 301);
  assert.equal(opened[0].total, 300);
});
