// Languages: what the browser asks for, unless somebody chose.

import * as format from './format.js';

/** @type {Record<string, string>} */
export const LANGUAGES = { en: 'English', de: 'Deutsch', ru: 'Русский' };
const STORED = 'restream.language';
const UNITS = ['day', 'hour', 'minute', 'second'];
/** @type {Record<string, (value: number) => string>} */
const FORMATS = {
  bitrate: format.bitrate,
  // Which way is in the words.
  duration: (value) => format.duration(Math.abs(value)),
  milliseconds: format.milliseconds,
  percent: format.percent,
};

/** @typedef {string | Record<string, string>} Spoken */

/** @type {Record<string, Record<string, Spoken>>} */
let texts = {};
/** @type {Record<string, Spoken>} */
let messages = {};
let plurals = new Intl.PluralRules('en');
export let language = 'en';

/** @param {string} key */
export function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {string | null} value
 */
export function remember(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Nothing is lost but the memory of a choice.
  }
}

function preferred() {
  const chosen = remembered(STORED);
  if (chosen !== null && Object.hasOwn(LANGUAGES, chosen)) return chosen;
  const wanted = (navigator.languages ?? [navigator.language]).map((each) => each.slice(0, 2).toLowerCase());
  return wanted.find((each) => each in LANGUAGES) ?? 'en';
}

export async function loadLanguage() {
  language = preferred();
  const response = await fetch(new URL('static/texts.json', document.baseURI), { cache: 'no-cache' });
  texts = await response.json();
  messages = Object.fromEntries(Object.entries(texts).map(([key, spoken]) => [key, spoken[language]]));
  plurals = new Intl.PluralRules(language);
  // Regional habits of the browser (en-GB dates) are kept when they belong to the language shown.
  const region = (navigator.languages ?? []).find((each) => each.toLowerCase().startsWith(language));
  const units = Object.fromEntries(UNITS.map((name) => [name, String(messages[`unit.${name}`])]));
  format.useLocale(region ?? language, units);
  document.documentElement.lang = language;
}

/**
 * The page is built anew in the other language.
 * @param {string} chosen
 */
export function chooseLanguage(chosen) {
  remember(STORED, chosen);
  location.reload();
}

/**
 * Texts of a group: as it is in English, and in the language shown.
 * @param {string} group
 */
export function phrases(group) {
  const found = Object.entries(texts).filter(([key]) => key.startsWith(`${group}.`));
  return found.map(([, spoken]) => [String(spoken.en), String(spoken[language])]);
}

/** @param {string} key */
export function known(key) {
  return Object.hasOwn(messages, key);
}

/**
 * Text of a key; `{name}` and `{name:format}` are filled in, `count` chooses the plural form.
 * @param {string} key
 * @param {Values & { count?: number }} values
 */
export function t(key, values = {}) {
  const entry = messages[key];
  if (entry === undefined) return key;
  const text = typeof entry === 'string' ? entry : (entry[plurals.select(values.count ?? 0)] ?? entry.other);
  return text.replace(/\{(\w+)(?::(\w+))?\}/g, (_, name, kind) => fill(values[name], kind));
}

/**
 * @param {unknown} value
 * @param {string | undefined} kind
 */
function fill(value, kind) {
  if (typeof value === 'number') return kind ? FORMATS[kind](value) : format.number(value);
  return kind ? format.NOTHING : format.isolated(String(value ?? ''));
}

/**
 * Of a word the API chose: translated when known, else as it came.
 * @param {string} group
 * @param {string | null | undefined} value
 */
export function word(group, value) {
  const key = `${group}.${value}`;
  return known(key) ? t(key) : String(value ?? '');
}
