import assert from 'node:assert/strict';
import { test } from 'node:test';

import { layout, longestTexts } from '../../../src/restream/interfaces/static/js/layout.js';
import { camera, records } from './fleet.js';

const UUID = '6f1c9d0e-1b7a-4c55-9a43-0f6b7f3a9d21';
const laid = (width, cameras, { asked = [], stills = false } = {}) =>
  layout(width, { asked, stills, longest: longestTexts(records(...cameras)) });
const names = ({ columns }) => columns.map(({ id }) => id).join();
const widths = ({ columns, template }) =>
  Object.fromEntries(
    template
      .replaceAll(/minmax\(([\d.]+)rem, \dfr\)/g, '$1rem')
      .split(' ')
      .map((rem, position) => [columns[position].id, parseFloat(rem)]),
  );
const total = (found) => Object.values(widths(found)).reduce((sum, rem) => sum + rem, 0);

test('columns never want more than there is, whatever stands in them', () => {
  const long = 'Ж'.repeat(200);
  for (const fleet of [[camera('1')], [camera(UUID, { name: long, site: long, node: long, media_server: long })]])
    for (const asked of [[], ['engine', 'server', 'node']])
      for (const stills of [false, true])
        for (let width = 20; width < 160; width += 0.5) {
          const found = laid(width, fleet, { asked, stills });
          if (found.narrow) assert.equal(found.template, '');
          else assert.ok(total(found) <= width + 0.1, `${total(found)} of ${width}: ${found.template}`);
        }
});

test('an id has its room before columns that can be done without, and a site is whole or absent', () => {
  const cameras = [camera(UUID, { site: 'Warehouse B' })];
  assert.ok(widths(laid(66, cameras)).id > 36 * 0.6);
  assert.equal(names(laid(66, cameras)), 'health,id,name,reason,since,bitrate');
  assert.ok(widths(laid(80, [camera('1', { site: 'Warehouse B' })])).site > 11 * 0.6);
  assert.ok(widths(laid(66, [camera('12345')])).id >= 3.6);
});

test('with less room there are fewer columns, then none', () => {
  const cameras = [camera('1', { site: 'North' })];
  const all = 'health,id,name,site,phase,reason,since,bitrate,readers,restarts,retry';
  assert.equal(names(laid(100, cameras)), all);
  assert.equal(names(laid(44, cameras)), 'health,id,name,reason,since,bitrate');
  assert.equal(laid(42, cameras).narrow, true);
  assert.equal(laid(100, cameras, { asked: ['node'] }).columns.length, 12);
});
