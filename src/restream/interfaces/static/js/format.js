// Numbers, amounts and times in the reader's language.

let locale = 'en';
/** @type {Map<string, unknown>} */
let cache = new Map();
/** @type {Record<string, string>} */
let units = {};

export const NOTHING = '–';
// Letters that run from right to left, and signs that say so.
const RIGHT_TO_LEFT = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc]/;
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g;

/**
 * A text of somebody else inside a line of ours: whichever way it runs, it turns nothing around it.
 * @param {string} text
 */
export function isolated(text) {
  return RIGHT_TO_LEFT.test(text) ? `\u2068${text.replace(DIRECTIONS, '')}\u2069` : text;
}

/**
 * `spelled`: how a day, hour, minute, second are written, as `{count}d`; the browser's own forms are too long.
 * @param {string} chosen
 * @param {Record<string, string>} spelled
 */
export function useLocale(chosen, spelled) {
  locale = chosen;
  units = spelled;
  cache = new Map();
}

export function collator() {
  return made('collator', () => new Intl.Collator(locale, { numeric: true, sensitivity: 'base' }));
}

/**
 * @template Made
 * @param {string} key
 * @param {() => Made} make
 */
function made(key, make) {
  if (!cache.has(key)) cache.set(key, make());
  return /** @type {Made} */ (cache.get(key));
}

/** @param {Intl.NumberFormatOptions} options */
function numbers(options) {
  return made(JSON.stringify(options), () => new Intl.NumberFormat(locale, options));
}

/**
 * @param {Amount} value
 * @returns {value is null | undefined}
 */
const missing = (value) => value === null || value === undefined || Number.isNaN(value);

/** @param {Amount} value */
export function number(value, digits = 0) {
  return missing(value) ? NOTHING : numbers({ maximumFractionDigits: digits }).format(value);
}

/**
 * Share of one as per cent.
 * @param {Amount} ratio
 */
export function percent(ratio, digits = 1) {
  return missing(ratio) ? NOTHING : numbers({ style: 'percent', maximumFractionDigits: digits }).format(ratio);
}

/**
 * Like `percent`, but never rounds an outage away.
 * @param {Amount} ratio
 */
export function uptime(ratio) {
  if (missing(ratio)) return NOTHING;
  return percent(ratio >= 1 ? 1 : Math.min(ratio, 0.99999), ratio > 0.99 ? 3 : 1);
}

/**
 * @param {number} value
 * @param {string[]} sizes
 */
function scaled(value, sizes) {
  let step = 0;
  let amount = value;
  while (Math.abs(amount) >= 1000 && step < sizes.length - 1) {
    amount /= 1000;
    step += 1;
  }
  const digits = step > 0 && Math.abs(amount) < 10 ? 1 : 0;
  const exact = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return numbers({ style: 'unit', unit: sizes[step], unitDisplay: 'short', ...exact }).format(amount);
}

/** @param {Amount} bps */
export function bitrate(bps) {
  const sizes = ['bit-per-second', 'kilobit-per-second', 'megabit-per-second', 'gigabit-per-second'];
  return missing(bps) ? NOTHING : scaled(bps, sizes);
}

/** @param {Amount} amount */
export function bytes(amount) {
  return missing(amount) ? NOTHING : scaled(amount, ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte']);
}

/** @param {Amount} value */
export function milliseconds(value, digits = 0) {
  if (missing(value)) return NOTHING;
  /** @type {Intl.NumberFormatOptions} */
  const shown = { style: 'unit', unit: 'millisecond', unitDisplay: 'short', maximumFractionDigits: digits };
  return numbers(shown).format(value);
}

/** @param {Amount} value */
export function celsius(value) {
  if (missing(value)) return NOTHING;
  return numbers({ style: 'unit', unit: 'celsius', maximumFractionDigits: 0 }).format(value);
}

/** @type {[string, number][]} */
const STEPS = [
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/**
 * A length of time in its two largest units: "3h 12m".
 * @param {Amount} seconds
 */
export function duration(seconds) {
  if (missing(seconds)) return NOTHING;
  let rest = Math.max(0, Math.floor(seconds));
  const first = STEPS.findIndex(([, size]) => rest >= size);
  if (first < 0) return unit(0, 'second');
  const parts = [];
  for (const [name, size] of STEPS.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    // Seconds tell nothing any more after some minutes.
    if (count > 0 && !(name === 'second' && seconds >= 600)) parts.push(unit(count, name));
  }
  return parts.join(' ');
}

/**
 * The same for columns: one unit, but for hours below ten, whose minutes still tell something.
 * @param {Amount} seconds
 */
export function brief(seconds) {
  if (missing(seconds)) return NOTHING;
  const whole = Math.max(0, Math.floor(seconds));
  if (whole >= 3600 && whole < 36_000) return duration(whole);
  const [name, size] = STEPS.find(([, each]) => whole >= each) ?? STEPS[STEPS.length - 1];
  return unit(Math.floor(whole / size), name);
}

/**
 * @param {number} count
 * @param {string} name
 */
function unit(count, name) {
  return units[name].replace('{count}', number(count));
}

/** @param {Moment} iso */
export function clock(iso) {
  return iso ? dates({ hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(new Date(iso)) : NOTHING;
}

/**
 * Time of day; with the day when it is not today's.
 * @param {Moment} iso
 */
export function moment(iso) {
  if (!iso) return NOTHING;
  const at = new Date(iso);
  if (at.toDateString() === new Date().toDateString()) return clock(iso);
  return dates({ day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(at);
}

/** @param {Moment} iso */
export function full(iso) {
  return iso ? dates({ dateStyle: 'medium', timeStyle: 'long' }).format(new Date(iso)) : NOTHING;
}

/**
 * Day and time, by the clocks of a time zone.
 * @param {string} iso
 * @param {string} zone
 */
export function dateTime(iso, zone) {
  return dates({ dateStyle: 'medium', timeStyle: 'short', timeZone: zone }).format(new Date(iso));
}

/** @param {Date | number} date */
export function hour(date) {
  return dates({ hour: '2-digit', minute: '2-digit' }).format(date);
}

/**
 * Its short name.
 * @param {number} day 0 is Monday
 */
export function weekday(day) {
  // The first of 2024 was a Monday.
  return dates({ weekday: 'short', timeZone: 'UTC' }).format(Date.UTC(2024, 0, 1 + day));
}

/** @param {Intl.DateTimeFormatOptions} options */
function dates(options) {
  return made(`date ${JSON.stringify(options)}`, () => new Intl.DateTimeFormat(locale, options));
}
