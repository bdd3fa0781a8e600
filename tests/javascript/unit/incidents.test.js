import assert from 'node:assert/strict';
import { test } from 'node:test';

import { incidents } from '../../../src/restream/interfaces/static/js/incidents.js';
import { down, incident, records } from './fleet.js';

const known = (...ids) => new Map(records(...ids.map((id) => down(id, 'refused', 'camera'))).map((each) => [each.id, each]));

test('the largest comes first, and has its cameras', () => {
  const open = [incident('a', { cameras: ['1'] }), incident('b', { cameras: ['2', '3'] })];
  const found = incidents(open, known('1', '2', '3'));
  assert.deepEqual(
    found.map(({ key, records: members }) => [key, members.map(({ id }) => id).join()]),
    [
      ['b', '2,3'],
      ['a', '1'],
    ],
  );
});

test('one camera is a row of its own, and what is not known here is none', () => {
  const open = [incident('a', { scope: 'camera', cameras: ['1'] }), incident('b', { cameras: ['9'] })];
  assert.deepEqual(incidents(open, known('1')), []);
});
