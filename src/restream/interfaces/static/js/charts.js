// Drawn with the DOM: the last day as a band of healths, the last hour as lines.

import { h, memo, setText, svg } from './dom.js';
import { bitrate, duration, hour, milliseconds, number, percent } from './format.js';
import { serverNow } from './clock.js';
import { t, word } from './i18n.js';
import { jitter, seconds } from './packets.js';

const WIDTH = 600;
const DAY_MS = 86_400_000;
// Height tells as much as colour: an outage stands out, health is the ground line.
/** @type {Record<string, number>} */
const BAND = { healthy: 8, degraded: 18, down: 34, unknown: 4, disabled: 2 };
const BAND_HEIGHT = 36;

/**
 * Spans of the last day: from, to (ms), health.
 * @param {CameraDetails["timeline"]} timeline
 * @param {number} now
 */
export function spans(timeline, now) {
  const begin = now - DAY_MS;
  return timeline
    .map(({ since, health }, position) => {
      const next = timeline[position + 1];
      return { from: Math.max(begin, Date.parse(since)), to: next ? Date.parse(next.since) : now, health };
    })
    .filter(({ from, to }) => to > from);
}

/**
 * @param {ReturnType<typeof spans>} found
 * @param {number} now
 */
function dayBand(found, now) {
  const begin = now - DAY_MS;
  /** @param {number} at */
  const x = (at) => ((at - begin) / DAY_MS) * WIDTH;
  const bars = found.map(({ from, to, health }) => {
    const height = BAND[health] ?? 4;
    const label = `${word('health', health)}: ${hour(from)} – ${hour(to)} (${duration((to - from) / 1000)})`;
    // A short outage must not vanish between two pixels.
    const width = Math.max(health === 'down' ? 2 : 0.6, x(to) - x(from));
    return svg(
      'rect',
      {
        class: 'span',
        'data-health': health,
        x: x(from).toFixed(2),
        y: BAND_HEIGHT - height,
        width: width.toFixed(2),
        height,
      },
      svg('title', {}, label),
    );
  });
  const summary = t('timeline.summary', { count: found.filter(({ health }) => health === 'down').length });
  return svg(
    'svg',
    {
      class: 'day',
      viewBox: `0 0 ${WIDTH} ${BAND_HEIGHT}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': summary,
    },
    ...bars,
  );
}

/** @param {number} now */
function dayScale(now) {
  return h(
    'div',
    { class: 'scale', 'aria-hidden': 'true' },
    [24, 18, 12, 6, 0].map((hours) => h('span', {}, hour(now - hours * 3_600_000))),
  );
}

/**
 * @typedef {Exclude<keyof NonNullable<CameraDetails["history"]>, "step_s" | "until">} Quantity
 * @typedef {{ name: Quantity, title: string, format: (value: Amount) => string }} Line
 * @type {Line[]}
 */
export const LINES = [
  { name: 'bitrate_bps', title: 'media.bitrate', format: bitrate },
  { name: 'readers', title: 'media.readers', format: number },
  { name: 'rtt_ms', title: 'media.rtt', format: milliseconds },
  { name: 'loss_ratio', title: 'media.loss', format: (value) => percent(value, 2) },
  { name: 'camera_loss_ratio', title: 'packets.loss', format: (value) => percent(value, 2) },
  { name: 'jitter_s', title: 'packets.jitter', format: jitter },
  { name: 'fps', title: 'packets.fps', format: (value) => number(value, 1) },
  { name: 'key_frame_s', title: 'packets.keys', format: seconds },
];
const LINE_HEIGHT = 44;

/**
 * Path of a series; a gap where nothing was known.
 * @param {(number | null)[]} values
 * @param {number} highest
 */
export function linePath(values, highest, width = WIDTH, height = LINE_HEIGHT) {
  let path = '';
  let pen = 'M';
  values.forEach((value, position) => {
    if (value === null) {
      pen = 'M';
      return;
    }
    const x = (position / Math.max(1, values.length - 1)) * width;
    const y = height - 2 - (value / (highest || 1)) * (height - 4);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = 'L';
  });
  return path;
}

/** @param {Line} line */
function lineChart({ title, format }) {
  const value = h('span', { class: 'spark-value' });
  const path = svg('path', { class: 'spark-line' });
  const cursor = svg('line', { class: 'spark-cursor', y1: 0, y2: LINE_HEIGHT, visibility: 'hidden' });
  const drawing = svg(
    'svg',
    { class: 'spark', viewBox: `0 0 ${WIDTH} ${LINE_HEIGHT}`, preserveAspectRatio: 'none', role: 'img' },
    path,
    cursor,
  );
  const range = h('span', { class: 'spark-range' });
  const element = h(
    'div',
    { class: 'spark-box' },
    h('div', { class: 'spark-head' }, h('span', {}, t(title)), value),
    drawing,
    range,
  );
  /** @type {(number | null)[]} */
  let series = [];
  let until = 0;
  let stepS = 10;
  const latest = () => setText(value, format(series.findLast((each) => each !== null)));
  drawing.addEventListener('pointermove', (event) => {
    const box = drawing.getBoundingClientRect();
    const position = Math.round(((event.clientX - box.left) / box.width) * (series.length - 1));
    const at = new Date(until - (series.length - 1 - position) * stepS * 1000);
    cursor.setAttribute('visibility', 'visible');
    const x = (position / Math.max(1, series.length - 1)) * WIDTH;
    for (const name of ['x1', 'x2']) cursor.setAttribute(name, String(x));
    setText(value, `${hour(at)}  ${format(series[position])}`);
  });
  drawing.addEventListener('pointerleave', () => {
    cursor.setAttribute('visibility', 'hidden');
    latest();
  });
  return {
    element,
    /**
     * @param {(number | null)[] | null | undefined} values
     * @param {CameraDetails["history"]} history
     */
    show(values, history) {
      series = values ?? [];
      const present = series.filter((each) => each !== null);
      element.hidden = present.length === 0 || !history?.until;
      if (element.hidden || !history?.until) return;
      until = Date.parse(history.until);
      stepS = history.step_s;
      const highest = Math.max(...present);
      path.setAttribute('d', linePath(series, highest));
      latest();
      const text = t('spark.range', { lowest: format(Math.min(...present)), highest: format(highest) });
      setText(range, text);
      drawing.setAttribute('aria-label', `${t(title)}: ${value.textContent}, ${text}`);
    },
  };
}

export function charts() {
  const day = h('div', { class: 'day-box' });
  const showDay = memo(day);
  const lines = LINES.map((line) => ({ ...line, chart: lineChart(line) }));
  const sparks = h(
    'div',
    { class: 'sparks' },
    lines.map(({ chart }) => chart.element),
  );
  const hourTitle = h('h3', {}, t('drawer.hour'));
  const element = h(
    'section',
    { class: 'details charts', 'aria-label': t('drawer.day') },
    h('h3', {}, t('drawer.day')),
    day,
    hourTitle,
    sparks,
  );
  return {
    element,
    /** @param {CameraDetails} details */
    show({ timeline, history }) {
      const now = serverNow();
      // A pixel of the band is two minutes: more often it need not be drawn.
      showDay([timeline, Math.floor(now / 120_000)], () => {
        const found = spans(timeline ?? [], now);
        return found.length ? [dayBand(found, now), dayScale(now)] : [h('p', { class: 'nothing' }, t('timeline.none'))];
      });
      for (const { name, chart } of lines) chart.show(history?.[name], history);
      hourTitle.hidden = lines.every(({ chart }) => chart.element.hidden);
    },
  };
}
