// How many pictures a wall has room for, and which cameras are on which page of which monitor. Pure; lengths in rem.

/**
 * How wide a tile is at least.
 * @type {Record<string, number>}
 */
export const SIZES = { s: 12, m: 19, l: 32 };
const MOST_MONITORS = 6;
/** Every monitor of up to so many: `2/3` is the second of three. */
export const ONE_OF = Array.from({ length: MOST_MONITORS }, (_, all) =>
  Array.from({ length: all + 1 }, (__, one) => `${one + 1}/${all + 1}`),
).flat();
const GAP = 0.5;
/** Name and reason below the picture. */
const WORDS = 3.4;
/** So many pictures are taken or played at once at most. */
const MOST = 64;
/** Where the wall is narrower than this one scrolls, and so many rows are worth it. */
const NARROW = 40;
const NARROW_ROWS = 6;

/**
 * @param {{ width: number, height: number }} room
 * @param {number} least how wide a tile is at least
 */
export function fit({ width, height }, least) {
  const fitting = (/** @type {number} */ columns) => {
    const tile = (width - GAP * (columns - 1)) / columns;
    return Math.floor((height + GAP) / ((tile * 9) / 16 + WORDS + GAP));
  };
  let columns = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
  // Where there is room for more than may be shown, tiles are larger, and the room is used.
  while (columns > 1 && columns * fitting(columns) > MOST) columns -= 1;
  const rows = Math.max(1, width < NARROW ? NARROW_ROWS : fitting(columns));
  return { columns, count: Math.min(MOST, columns * rows) };
}

/**
 * Which monitor of how many an address asks for.
 * @param {string | undefined} text
 */
export function monitorOf(text) {
  const found = ONE_OF.includes(text ?? '') ? (text ?? '') : '1/1';
  return found.split('/').map(Number);
}

/**
 * The cameras of one page. Pages lie on the monitors in turn, so that neighbours are beside each other.
 * @template Record
 * @param {Record[]} cameras
 * @param {number} count on a page
 * @param {number} wanted which of this monitor's pages; it goes round at both ends
 * @param {number[]} monitor its number from 1, and how many there are
 */
export function fill(cameras, count, wanted, [one, all]) {
  const pages = Math.max(1, Math.ceil(cameras.length / count));
  const mine = Math.max(1, Math.ceil((pages - one + 1) / all));
  const index = ((wanted % mine) + mine) % mine;
  const page = index * all + one - 1;
  return { index, mine, records: cameras.slice(page * count, (page + 1) * count) };
}
