// When a camera is expected, in words.

import { weekday } from './format.js';

/** As the service writes them, from Monday on. */
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/**
 * Days that follow one another are one range.
 * @param {readonly string[]} days
 */
function ranges(days) {
  /** @type {[number, number][]} */
  const found = [];
  DAYS.forEach((name, day) => {
    if (!days.includes(name)) return;
    const last = found.at(-1);
    if (last && last[1] === day - 1) last[1] = day;
    else found.push([day, day]);
  });
  return found.map(([first, last]) => (first === last ? weekday(first) : `${weekday(first)}–${weekday(last)}`));
}

/**
 * `06:00–20:00 · Mon–Fri · Europe/Berlin`
 * @param {Record<string, string | readonly string[]> | null | undefined} schedule as a row has it
 */
export function hoursText(schedule) {
  if (!schedule) return null;
  const [hours, days, zone] = [schedule.hours, schedule.weekdays, schedule.time_zone].map((each) => [each ?? []].flat());
  return [hours.join(', ').replaceAll('-', '–'), ranges(days).join(', '), ...zone].filter(Boolean).join(' · ');
}
