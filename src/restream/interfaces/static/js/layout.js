// Which columns a list of some width has, and how wide each is. Pure; lengths in rem, so that larger type has its room.

import { COLUMNS } from './columns.js';

/** Below this there is no table, but two lines for a camera. */
const TABLE = 42.7;
/** From here on there is room for the word of a fault's side beside its sign. */
const SIDES = 24;
/** What a printed sheet is wide. */
export const SHEET = 46;
const STILL = 9;
/** Room that the reason gets before columns that go early: why it is down is worth more than when it is tried next. */
const COMFORT = 8;
const EARLY = 3;
/** Of a wide sans serif, on the average. */
const CHARACTER = 0.65;
const PADDING = 1.1;

const TEXTS = COLUMNS.flatMap(({ id, text }) => (text ? [{ id, text }] : []));

/**
 * How many characters the longest text of a column has, by column; `known`: of others.
 * @param {Iterable<CameraRecord>} records
 * @param {Record<string, number>} known
 */
export function longestTexts(records, known = {}) {
  const longest = { ...Object.fromEntries(TEXTS.map(({ id }) => [id, 0])), ...known };
  for (const { camera } of records)
    for (const { id, text } of TEXTS) {
      const { length } = text(camera);
      if (length > longest[id]) longest[id] = length;
    }
  return longest;
}

/**
 * @param {number} width
 * @param {{ asked: string[], stills: boolean, longest: Record<string, number> }} wanted
 * @returns {ListLayout}
 */
export function layout(width, { asked, stills, longest }) {
  /** @param {ListColumn} column */
  const least = ({ id, least: rem }) => rem + (stills && id === 'name' ? STILL : 0);
  /** @param {ListColumn} column */
  const spelled = ({ id }) => longest[id] * CHARACTER + PADDING + (stills && id === 'name' ? STILL : 0);
  /** @param {ListColumn} column */
  const full = (column) => {
    const { text, most = 0 } = column;
    if (!text || !most) return least(column);
    return Math.max(least(column), Math.min(most, spelled(column)));
  };
  // What has room for its longest text needs no more of a wide screen.
  /** @param {ListColumn} column */
  const growing = (column) => (column.text && spelled(column) <= full(column) ? 0 : (column.grow ?? 0));
  /** @param {ListColumn} column */
  const needed = (column) => (column.whole ? full(column) : least(column));
  /** @param {ListColumn[]} columns */
  const room = (columns) => width - columns.reduce((sum, column) => sum + needed(column), 0);

  const staying = COLUMNS.reduce((sum, column) => sum + (column.drop ? 0 : least(column)), 0);
  if (width < Math.max(TABLE, staying)) {
    return { narrow: true, sides: false, columns: COLUMNS.filter(({ narrow }) => narrow), template: '' };
  }
  let columns = COLUMNS.filter(({ id, asked: optional }) => !optional || asked.includes(id));
  for (;;) {
    const last = columns.reduce((found, each) => (each.drop > found.drop ? each : found));
    if (last.drop === 0 || room(columns) >= (last.drop > EARLY ? COMFORT : 0)) break;
    columns = columns.filter((each) => each !== last);
  }
  let left = room(columns);
  const widths = columns.map((column) => {
    const wants = full(column) - needed(column);
    // What is too wide in spite of all gives way; else there is more for texts that are longer than they must have room for.
    const more = left < 0 && column.whole ? Math.max(left, least(column) - needed(column)) : Math.max(0, Math.min(left, wants));
    left -= more;
    return needed(column) + more;
  });
  const grown = columns.reduce((sum, column) => sum + growing(column), 0);
  const template = columns.map((column, position) => {
    const rem = `${widths[position].toFixed(2)}rem`;
    const grow = growing(column);
    return grow ? `minmax(${rem}, ${grow}fr)` : rem;
  });
  const reason = columns.findIndex(({ id }) => id === 'reason');
  const sides = widths[reason] + (Math.max(0, left) * (columns[reason].grow ?? 0)) / grown >= SIDES;
  return { narrow: false, sides, columns, template: template.join(' ') };
}
