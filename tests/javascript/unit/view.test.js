import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parse } from '../../../src/restream/interfaces/static/js/route.js';
import { SORTS, arrange, nextSort } from '../../../src/restream/interfaces/static/js/view.js';
import { camera, down, incident, records } from './fleet.js';

const byDefault = (_key, open) => open;
const arranged = (cameras, hash = '', isOpen = byDefault, kept = [], open = []) =>
  arrange(new Map(records(...cameras).map((each) => [each.id, each])), parse(hash), isOpen, kept, open);
const keys = ({ items }) => items.map(({ key }) => key);
const ids = ({ items }) => items.map(({ id }) => id).join();

const FLEET = [
  camera('10', { name: 'Gate', site: 'North', bitrate_bps: 100, restarts: 2 }),
  camera('2', { name: 'attic', site: 'South', bitrate_bps: 900, camera_type: 'AXIS', engine: 'relay', node: 'b' }),
  down('a', 'refused', 'camera', { name: 'Gate 2', site: 'North', engine: null, next_retry: '2026-01-05T10:01:00.000Z' }),
  camera('7', {
    health: 'degraded',
    fault: 'network',
    code: 'srt_loss',
    name: 'Gate 10',
    media_server: 'west',
    phase: 'idle',
    since: '2026-01-05T11:00:00.000Z',
  }),
];

test('worst first, then by number, then by text', () => {
  assert.equal(ids(arranged(FLEET)), 'a,7,2,10');
  assert.equal(ids(arranged(['b', '10', 'a', '9'].map((id) => camera(id)))), '9,10,a,b');
});

test('what broke last is above what broke before, and the rest is by number', () => {
  const since = (minute) => ({ since: `2026-01-05T10:${minute}:00.000Z` });
  const broken = [down('1', 'refused', 'camera', since('10')), down('2', 'refused', 'camera', since('30'))];
  assert.equal(ids(arranged([...broken, camera('3', since('05')), camera('4', since('40'))])), '2,1,3,4');
  assert.equal(ids(arranged([...broken, camera('3')], '#sort=-worst')), '3,1,2');
});

test('every sort, and its reverse', () => {
  const wanted = { name: '2,10,a,7', id: '2,7,10,a', bitrate: '2,10,7,a', since: '7,2,10,a', retry: 'a,2,7,10' };
  for (const [sort, order] of Object.entries({ ...wanted, reason: 'a,7,2,10', restarts: '10,2,7,a' }))
    assert.equal(ids(arranged(FLEET, `#sort=${sort}`)), order, sort);
  assert.equal(ids(arranged(FLEET, '#sort=-name')), '7,a,10,2');
  for (const sort of Object.keys(SORTS))
    for (const sign of ['', '-']) assert.equal(arranged(FLEET, `#sort=${sign}${sort}`).items.length, 4, sort);
});

test('a sort that there is none of is the usual one', () => {
  for (const sort of ['nothing', 'constructor'])
    assert.equal(ids(arranged(FLEET, `#sort=${sort}`)), 'a,7,2,10', sort);
});

test('a click on a column sorts by it, another one reverses', () => {
  assert.equal(nextSort('worst', 'name'), 'name');
  assert.equal(nextSort('name', 'name'), '-name');
  assert.equal(nextSort('-name', 'name'), 'name');
});

test('filters hold together, and totals tell what was left out', () => {
  const cases = {
    'health=down,degraded': 'a,7',
    'fault=network': '7',
    'site=North': 'a,10',
    'type=AXIS': '2',
    'site=': '7',
    'engine=relay': '2',
    'engine=': 'a',
    'server=west': '7',
    'node=b': '2',
    'phase=idle': '7',
  };
  for (const [hash, order] of Object.entries({ ...cases, 'q=GATE 10': '7,10', 'site=North&health=healthy': '10' }))
    assert.equal(ids(arranged(FLEET, `#${hash}`)), order, hash);
  const { shown, total } = arranged(FLEET, '#site=North');
  assert.deepEqual([shown, total], [2, 4]);
});

test('groups are in the order of their worst camera, no name goes last, and closed ones hide theirs', () => {
  const found = arranged(FLEET, '#group=site');
  assert.deepEqual(keys(found), [
    ...['group:North', 'camera:a', 'camera:10', 'group:South', 'camera:2', 'group:', 'camera:7'],
  ]);
  const [north] = found.items;
  assert.deepEqual([north.counts, north.total, north.by], [{ down: 1, healthy: 1 }, 2, 'site']);
  assert.deepEqual(keys(arranged(FLEET, '#group=site', (key) => key !== 'group:North')).slice(0, 2), [
    ...['group:North', 'group:South'],
  ]);
});

test('an incident stands for its cameras, unless somebody searches or sorts', () => {
  const fleet = [...FLEET, ...['4', '5', '6'].map((id) => down(id, 'timeout', 'camera', { host: 'nvr' }))];
  const incidents = [incident('x', { cameras: ['4', '5', '6'] })];
  const found = arranged(fleet, '', byDefault, [], incidents);
  assert.deepEqual(keys(found), ['incident:x', 'camera:a', 'camera:7', 'camera:2', 'camera:10']);
  assert.deepEqual([found.items[0].total, found.items[0].cause, found.shown], [3, 'timeout', 7]);
  const open = arranged(fleet, '', () => true, [], incidents);
  assert.deepEqual(keys(open).slice(1, 4), ['camera:4', 'camera:5', 'camera:6']);
  assert.ok(open.items.slice(1, 4).every(({ inside }) => inside));
  assert.equal(ids(arranged(fleet, '#q=camera', byDefault, [], incidents)), '4,5,6');
  assert.equal(arranged(fleet, '#sort=id', byDefault, [], incidents).items.length, 7);
});

test('the order of the last time changes nothing but the effort', () => {
  const before = arranged(FLEET).order;
  const changed = FLEET.map((each) => (each.id === 'a' ? camera('a') : each));
  assert.equal(ids(arranged(changed, '', byDefault, before)), '7,2,10,a');
  assert.equal(ids(arranged(changed.slice(1), '', byDefault, before)), '7,2,a');
  assert.equal(ids(arranged([...changed, camera('1')], '', byDefault, before)), '7,1,2,10,a');
});

test('a filter makes no incident smaller than it is, and lists what it leaves of it', () => {
  const site = { site: 'South', health: 'down', code: 'unreachable', fault: 'network' };
  const lost = ['1', '2', '3'].map((id, position) => ({ ...camera(id, site), camera_type: position ? 'AXIS' : 'OTHER' }));
  const open = [incident('x', { scope: 'site', place: 'South', cameras: ['1', '2', '3'] })];
  const { items } = arranged([...lost, camera('9')], '#type=OTHER', () => true, [], open);
  assert.deepEqual(
    items.map(({ kind, id, total }) => [kind, id, total]),
    [
      ['incident', null, 3],
      ['camera', '1', undefined],
    ],
  );
  assert.deepEqual(keys(arranged([...lost, camera('9')], '#health=healthy', () => true, [], open)), ['camera:9']);
});
