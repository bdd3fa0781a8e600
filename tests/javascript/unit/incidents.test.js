import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FEWEST, incidents } from '../../../src/restream/interfaces/static/js/incidents.js';
import { camera, down, records } from './fleet.js';

const shown = (found) =>
  found.map(({ scope, place, cause, records: members }) => [scope, place, cause, members.map(({ id }) => id).join()]);

const several = (count, code, fault, place, first = 1) =>
  Array.from({ length: count }, (_, position) => down(String(first + position), code, fault, place));

test('cameras of one recorder that fail for one cause are one incident', () => {
  const found = incidents(records(...several(FEWEST, 'refused', 'camera', { host: 'nvr' }), camera('9')));
  assert.deepEqual(shown(found), [['host', 'nvr', 'refused', '1,2,3']]);
});

test('too few, or of several causes, are none', () => {
  assert.deepEqual(incidents(records(...several(FEWEST - 1, 'refused', 'camera', { host: 'nvr' }))), []);
  const mixed = ['refused', 'timeout', 'stalled'].map((code, each) =>
    down(String(each), code, 'camera', { host: 'nvr' }),
  );
  assert.deepEqual(incidents(records(...mixed)), []);
});

test('what is no failure makes no incident', () => {
  for (const code of ['starting', 'held_by_operator', 'unobserved'])
    assert.deepEqual(incidents(records(...several(5, code, 'none', { host: 'nvr' }))), [], code);
  const disabled = several(5, 'refused', 'camera', { host: 'nvr' });
  for (const each of disabled) each.verdict.health = 'disabled';
  assert.deepEqual(incidents(records(...disabled)), []);
});

test('a media server that is gone wins over hosts, and takes its cameras', () => {
  const found = incidents(records(...several(4, 'server_down', 'media_server', { host: 'nvr', site: 'North' })));
  assert.deepEqual(shown(found), [['server', '', 'server_down', '1,2,3,4']]);
});

test('what a lost node had is one incident, whatever hosts it is of', () => {
  const silent = several(3, 'node_silent', 'publisher', { host: 'nvr', node: 'south' });
  const waiting = several(4, 'no_node', 'publisher', { host: 'nvr', node: '' }, 10);
  const found = incidents(records(...silent, ...waiting));
  assert.deepEqual(shown(found), [
    ['node', '', 'no_node', '10,11,12,13'],
    ['node', 'south', 'node_silent', '1,2,3'],
  ]);
});

test('a site is one incident only when half of it has lost its network', () => {
  const lost = several(3, 'unreachable', 'network', { site: 'North' });
  const well = (count) => Array.from({ length: count }, (_, each) => camera(`w${each}`, { site: 'North' }));
  assert.deepEqual(shown(incidents(records(...lost, ...well(3)))), [['site', 'North', 'unreachable', '1,2,3']]);
  assert.deepEqual(incidents(records(...lost, ...well(4))), []);
});

test('the largest comes first, and no camera is in two', () => {
  const all = records(
    ...several(3, 'refused', 'camera', { host: 'small' }),
    ...several(5, 'refused', 'camera', { host: 'large' }, 10),
    ...several(4, 'unreachable', 'network', { host: 'nvr', site: 'North' }, 20),
  );
  const found = incidents(all);
  assert.deepEqual(
    found.map(({ place }) => place),
    ['large', 'nvr', 'small'],
  );
  const ids = found.flatMap(({ records: members }) => members.map(({ id }) => id));
  assert.equal(new Set(ids).size, ids.length);
});
