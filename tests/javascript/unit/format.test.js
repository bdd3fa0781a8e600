import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import * as format from '../../../src/restream/interfaces/static/js/format.js';

const { NOTHING } = format;
const UNITS = { day: '{count}d', hour: '{count}h', minute: '{count}m', second: '{count}s' };
// The spaces of units differ between versions of the tables of the runtime.
const plain = (text) => text.replace(/\s/gu, ' ');

beforeEach(() => format.useLocale('en', UNITS));

test('what is not known is a dash, whatever it would have been', () => {
  const kinds = ['number', 'percent', 'uptime', 'bitrate', 'bytes', 'milliseconds', 'celsius', 'duration', 'brief'];
  for (const kind of kinds)
    for (const value of [null, undefined, NaN]) assert.equal(format[kind](value), NOTHING, kind);
  for (const kind of ['clock', 'moment', 'full'])
    for (const value of [null, '']) assert.equal(format[kind](value), NOTHING);
});

test('zero is known', () => {
  for (const kind of ['number', 'percent', 'bitrate', 'duration']) assert.match(format[kind](0), /^0/, kind);
});

test('a length of time has its two largest units', () => {
  const cases = { 0: '0s', 59.9: '59s', 61: '1m 1s', 599: '9m 59s', 630: '10m', 3600: '1h', 11_559: '3h 12m' };
  for (const [seconds, text] of Object.entries({ ...cases, 86_400: '1d', 180_000: '2d 2h', '-5': '0s' }))
    assert.equal(format.duration(Number(seconds)), text, seconds);
});

test('in columns it has one, but for hours below ten', () => {
  const cases = { 0: '0s', 61: '1m', 3599: '59m', 3660: '1h 1m', 35_999: '9h 59m', 36_000: '10h', 200_000: '2d' };
  for (const [seconds, text] of Object.entries(cases)) assert.equal(format.brief(Number(seconds)), text, seconds);
});

test('an outage is never rounded away', () => {
  assert.equal(format.uptime(1), '100%');
  assert.equal(format.uptime(0.999_999_9), '99.999%');
  assert.equal(format.uptime(0.5), '50%');
});

test('amounts are scaled, small ones keep a digit', () => {
  assert.equal(plain(format.bitrate(999)), '999 bit/s');
  assert.match(plain(format.bitrate(2_100_000)), /^2\.1 M/);
  assert.match(plain(format.bitrate(21_000_000)), /^21 M/);
  assert.match(plain(format.bytes(5e15)), /^5,000 TB/);
});

test('everything follows the language', () => {
  assert.equal(format.number(1234.5, 1), '1,234.5');
  format.useLocale('de', { ...UNITS, day: '{count} T.' });
  assert.equal(format.number(1234.5, 1), '1.234,5');
  assert.equal(format.duration(86_400), '1 T.');
});

test('the day is told unless it is today', () => {
  const now = new Date();
  const before = new Date(now.getTime() - 40 * 86_400_000);
  assert.equal(format.moment(now.toISOString()), format.clock(now.toISOString()));
  assert.match(format.moment(before.toISOString()), /[A-Z][a-z]{2}/);
});

test('text is compared as people do', () => {
  assert.deepEqual(['b', 'A 10', 'a 9'].sort(format.collator().compare), ['a 9', 'A 10', 'b']);
});
