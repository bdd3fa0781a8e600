import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fill, fit, monitorOf } from '../../../src/restream/interfaces/static/js/walllayout.js';

const CAMERAS = Array.from({ length: 50 }, (_, number) => number);

test('as many tiles as the room has, and never none', () => {
  assert.deepEqual(fit({ width: 120, height: 60 }, 19), { columns: 6, count: 24 });
  assert.deepEqual(fit({ width: 20, height: 10 }, 32), { columns: 1, count: 6 });
  assert.equal(fit({ width: 60, height: 2 }, 32).count, 1);
  assert.deepEqual(fit({ width: 253, height: 125 }, 19), { columns: 9, count: 54 });
  const { columns, count } = fit({ width: 900, height: 900 }, 12);
  assert.ok(count > 40 && count <= 64 && count % columns === 0, `${count} of ${columns}`);
});

test('monitors share the pages, and no camera is on two or none', () => {
  for (const all of [1, 2, 3, 6]) {
    const seen = [];
    for (let one = 1; one <= all; one += 1) {
      const { mine } = fill(CAMERAS, 8, 0, [one, all]);
      for (let page = 0; page < mine; page += 1) seen.push(...fill(CAMERAS, 8, page, [one, all]).records);
    }
    assert.deepEqual(seen.sort((a, b) => a - b), CAMERAS, `${all} monitors`);
  }
});

test('pages go round, and stay within what there is', () => {
  assert.equal(fill(CAMERAS, 8, 7, [1, 1]).index, 0);
  assert.equal(fill(CAMERAS, 8, -1, [1, 1]).index, 6);
  assert.deepEqual(fill(CAMERAS, 60, 0, [2, 3]).records, []);
  assert.deepEqual(fill([], 8, 3, [1, 1]), { index: 0, mine: 1, records: [] });
});

test('an address of no monitor is the only one', () => {
  assert.deepEqual(monitorOf('2/3'), [2, 3]);
  for (const text of [undefined, '', '0/2', '3/2', '1/99', 'a/b', '1/2/3']) assert.deepEqual(monitorOf(text), [1, 1]);
});
