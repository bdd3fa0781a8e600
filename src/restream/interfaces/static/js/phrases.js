// What the service says in English of its parts, in the reader's language: the pieces of a line that are known, each by
// itself. Names, addresses and what others have said stay as they came.

import { phrases } from './i18n.js';

/** Where a line falls into pieces, the outermost first. */
const SEAMS = [/^(.+?)(; )(.+)$/s, /^(.+?)( \()(.+)\)$/s, /^(.+?)(: )(.+)$/s];
/** @type {Record<string, string>} */
const CLOSING = { ' (': ')' };

/** @type {{ pattern: RegExp, spoken: string, names: string[] }[] | null} */
let book = null;

/** @param {string} english */
function patternOf(english) {
  const plain = english.replace(/[.*+?^$()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${plain.replace(/\{\w+\}/g, '(.+?)')}$`, 's');
}

function known() {
  book ??= phrases('said').map(([english, spoken]) => ({
    pattern: patternOf(english),
    names: [...english.matchAll(/\{\w+\}/g)].map(([name]) => name),
    spoken,
  }));
  return book;
}

/**
 * A line of the service in the reader's language, as far as it is known.
 * @param {string} text
 * @returns {string}
 */
export function said(text) {
  for (const { pattern, spoken, names } of known()) {
    const found = pattern.exec(text);
    // A function, since what others have said may hold a dollar sign.
    if (found) return names.reduce((line, name, position) => line.replace(name, () => found[position + 1]), spoken);
  }
  for (const seam of SEAMS) {
    const parts = seam.exec(text);
    if (parts) return `${said(parts[1])}${parts[2]}${said(parts[3])}${CLOSING[parts[2]] ?? ''}`;
  }
  return text;
}
