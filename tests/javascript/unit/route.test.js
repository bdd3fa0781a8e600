import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parse, write } from '../../../src/restream/interfaces/static/js/route.js';

const USUAL = {
  ...{ phase: null, engine: null, server: null, node: null, columns: [] },
  ...{ q: '', site: null, type: null, camera: null, tab: 'cameras', health: [], fault: [], group: 'none' },
  ...{ sort: 'worst', stills: false },
};

test('an empty address is the usual view, and the usual view an empty address', () => {
  for (const hash of ['', '#']) assert.deepEqual(parse(hash), USUAL);
  assert.equal(write(USUAL), '#');
});

test('what is written is read again', () => {
  const views = [
    { q: 'gate & "yard" #7', site: '', type: 'AXIS' },
    { site: 'Süd/Ost=1', camera: '7 & 8', stills: true },
    { phase: 'idle', engine: '', server: 'west', node: 'site-a', columns: ['engine', 'node'] },
    { tab: 'events', health: ['down', 'unknown'], fault: ['media_server'], group: 'host', sort: '-bitrate' },
  ];
  for (const view of views) assert.deepEqual(parse(write({ ...USUAL, ...view })), { ...USUAL, ...view });
});

test('what is a panel\'s own is written with it, and with no other', () => {
  const own = { ...USUAL, tab: 'events', own: { kind: 'component' } };
  assert.equal(write(own), '#tab=events&kind=component');
  assert.deepEqual(parse(write(own)), own);
  assert.deepEqual(parse('#tab=host&kind=component'), { ...USUAL, tab: 'host' });
});

test('what there is none of is left out', () => {
  const hash = '#tab=nothing&health=down,ill,,healthy&fault=none,camera&group=constructor&sort=1;x&stills=yes&other=1&columns=name,site';
  assert.deepEqual(parse(hash), { ...USUAL, health: ['down', 'healthy'], fault: ['camera'] });
});
