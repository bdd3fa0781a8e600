import assert from 'node:assert/strict';
import { test } from 'node:test';

import { linePath, spans } from '../../../src/restream/interfaces/static/js/charts.js';
import { webAddress } from '../../../src/restream/interfaces/static/js/dom.js';
import { clockText, lookFacts } from '../../../src/restream/interfaces/static/js/look.js';
import { jitter, packetFacts, seconds } from '../../../src/restream/interfaces/static/js/packets.js';
import { shellLine } from '../../../src/restream/interfaces/static/js/facts.js';

const NOW = Date.parse('2026-01-05T10:00:00.000Z');

test('a command can be typed into a shell as it is', () => {
  assert.equal(shellLine(['ffmpeg', '-i', 'rtsp://cam/a?b=1&c', '']), "ffmpeg -i 'rtsp://cam/a?b=1&c' ''");
  assert.equal(shellLine(["it's", '$(reboot)']), "'it'\\''s' '$(reboot)'");
});

test('only web addresses become links', () => {
  assert.equal(webAddress('https://media/cam1/'), 'https://media/cam1/');
  for (const text of ['javascript:alert(1)', 'data:text/html,x', 'rtsp://media/cam1', 'cam1', '', null])
    assert.equal(webAddress(text), null, String(text));
});

test('a line has gaps where nothing was known', () => {
  assert.equal(linePath([0, 10, null, 5], 10, 300, 44), 'M0.0 42.0L100.0 2.0M300.0 22.0');
  assert.equal(linePath([0], 0, 300, 44), 'M0.0 42.0');
});

test('spans are of the last day and reach until now', () => {
  const at = (hours) => new Date(NOW - hours * 3_600_000).toISOString();
  const timeline = [
    { since: at(60), health: 'down' },
    { since: at(48), health: 'healthy' },
    { since: at(1), health: 'down' },
  ];
  assert.deepEqual(
    spans(timeline, NOW).map(({ from, to, health }) => [(NOW - from) / 3_600_000, (NOW - to) / 3_600_000, health]),
    [
      [24, 1, 'healthy'],
      [1, 0, 'down'],
    ],
  );
});

test('a clock is mentioned when it differs by more than it can be told', () => {
  for (const same of [0, 2, -2, null, undefined]) assert.equal(clockText(same), '', String(same));
  assert.equal(clockText(3), 'look.clock.ahead');
  assert.equal(clockText(-3605), 'look.clock.behind');
});

test('of a camera itself only what it tells is shown', () => {
  const look = { login: [], software: '', clock_offset_s: null };
  assert.deepEqual(lookFacts(look), []);
  assert.deepEqual(lookFacts({ ...look, login: ['SHA-256', 'MD5'], software: 'Camera 1.0' }), [
    ['login', 'SHA-256, MD5'],
    ['software', 'Camera 1.0'],
  ]);
});

test('of packets what is not known is left out', () => {
  const track = { lost: 2, jitter_s: null, fps: null, key_frame_interval_s: null, bitrate_bps: null, clock_offset_s: null };
  assert.deepEqual(packetFacts({ loss_ratio_10s: null, loss_ratio_60s: null, video: track, audio: null }), [['lost', '2']]);
  const video = { ...track, jitter_s: 0.0024, fps: 24.98, key_frame_interval_s: 0.5, bitrate_bps: 2_100_000 };
  const audio = { ...track, bitrate_bps: 32_000, clock_offset_s: -3605 };
  const found = new Map(packetFacts({ loss_ratio_10s: 0.0123, loss_ratio_60s: 0, video, audio }));
  assert.deepEqual([...found.keys()], ['loss', 'lost', 'jitter', 'fps', 'keys', 'video', 'audio', 'clock']);
  assert.deepEqual([found.get('loss'), found.get('lost'), found.get('clock')], ['1.23%', '4', 'look.clock.behind']);
});

test('a small jitter is no jitter of nothing, and what is not known is a dash', () => {
  assert.deepEqual([jitter(0.00044), jitter(null), seconds(2.04), seconds(undefined)], ['0.4 ms', '–', 'packets.seconds', '–']);
});
