import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Store } from '../../../src/restream/interfaces/static/js/store.js';
import { camera } from './fleet.js';

const HEAD = { instance: 'a', time: '2026-01-05T10:00:00.000Z', interval_s: 2 };
const snapshot = (cameras, more = {}) => ({ type: 'snapshot', ...HEAD, generation: 1, cameras, ...more });
const delta = (more) => ({ type: 'delta', ...HEAD, generation: 2, ...more });

function listening() {
  const store = new Store();
  const heard = [];
  store.subscribe((change) => heard.push(change));
  return { store, last: () => heard.at(-1) };
}

test('a snapshot replaces, a delta adds, changes and removes', () => {
  const { store, last } = listening();
  store.apply(snapshot([camera('1', { site: 'North' }), camera('2', { site: 'North' })]));
  assert.deepEqual([store.filled, last().structure, store.values.site.get('North')], [true, true, 2]);
  store.apply(delta({ cameras: [camera('2', { site: 'South' })] }));
  assert.deepEqual(
    [last().structure, [...last().cameras], [...store.values.site.keys()]],
    [false, ['2'], ['North', 'South']],
  );
  store.apply(delta({ removed: ['1', 'nobody'], cameras: [] }));
  assert.deepEqual([[...store.records.keys()], [...store.values.site.keys()]], [['2'], ['South']]);
  store.apply(snapshot([camera('2', { site: 'South' }), camera('3')]));
  assert.deepEqual([[...last().cameras], store.camera('1')], [['3'], null]);
});

test('events that are known are not news, but another instance begins anew', () => {
  const { store, last } = listening();
  store.apply(snapshot([], { events: [{ id: 1 }, { id: 2 }] }));
  store.apply(snapshot([], { events: [{ id: 1 }, { id: 2 }, { id: 3 }] }));
  assert.deepEqual(last().events, [{ id: 3 }]);
  store.apply({ ...snapshot([], { events: [{ id: 1 }] }), instance: 'b' });
  assert.deepEqual(store.events, [{ id: 1 }]);
});

test('what polling brings leaves the generation alone', () => {
  const { store } = listening();
  store.apply(snapshot([]));
  store.apply({ type: 'snapshot', time: HEAD.time, cameras: [camera('1')], events: [], host: null });
  assert.deepEqual([store.instance, store.generation, store.records.size, store.host], ['a', 1, 1, null]);
});

test('a filter has a new value without a new camera', () => {
  const { store, last } = listening();
  store.apply(snapshot([camera('1'), camera('2')]));
  store.apply(delta({ cameras: [camera('1', { bitrate_bps: 5 })] }));
  assert.equal(last().values, false);
  store.apply(delta({ cameras: [camera('1', { engine: 'relay', phase: 'idle' })] }));
  assert.deepEqual([last().values, last().structure], [true, false]);
  assert.deepEqual(
    [[...store.values.engine], [...store.values.phase]],
    [
      [['ffmpeg', 1], ['relay', 1]],
      [['running', 1], ['idle', 1]],
    ],
  );
});
