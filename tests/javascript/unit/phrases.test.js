import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, test } from 'node:test';

import { loadLanguage } from '../../../src/restream/interfaces/static/js/i18n.js';
import { said } from '../../../src/restream/interfaces/static/js/phrases.js';

before(async () => {
  const texts = await readFile(new URL('../../../src/restream/interfaces/static/texts.json', import.meta.url), 'utf8');
  Object.defineProperty(globalThis, 'navigator', { value: { languages: ['de'] }, configurable: true });
  Object.assign(globalThis, {
    document: { baseURI: 'http://here/', documentElement: {} },
    fetch: async () => ({ json: async () => JSON.parse(texts) }),
  });
  await loadLanguage();
});

test('what is known of a line is told in the language of the reader, the rest as it came', () => {
  assert.equal(
    said('Connection refused (127.0.0.1:5432); start PostgreSQL, or correct host and port of the DSN (streams go on as they are)'),
    'Verbindung abgelehnt (127.0.0.1:5432); PostgreSQL starten oder Rechner und Port der DSN berichtigen (die Ströme laufen weiter)',
  );
  assert.equal(said('TLS: its certificate has expired (db:5432)'), 'TLS: sein Zertifikat ist abgelaufen (db:5432)');
  assert.equal(said('no answer within 2.5 s (cameras wait for it)'), 'keine Antwort binnen 2.5 s (Kameras warten darauf)');
  assert.equal(said('internal error (KeyError), see the log'), 'interner Fehler (KeyError), siehe Protokoll');
});

test('what others say stays', () => {
  for (const text of ['', 'PostgreSQL 16.2', 'relation "x" does not exist', '$& (a', 'a; ', '(b)', 'c: $1; d ($$)'])
    assert.equal(said(text), text);
});
