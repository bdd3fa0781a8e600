// Pictograms, drawn by ourselves: each state has a shape of its own, so colour is never the only sign.

import { svg } from './dom.js';

const CUT = { fill: 'none', stroke: 'var(--icon-cut)', 'stroke-width': '1.8', 'stroke-linecap': 'round' };
const LINE = {
  fill: 'none',
  stroke: 'currentColor',
  'stroke-width': '1.6',
  'stroke-linecap': 'round',
  'stroke-linejoin': 'round',
};
const SOLID = { fill: 'currentColor' };

/** @type {Record<string, [keyof SVGElementTagNameMap, Attributes][]>} */
const SHAPES = {
  healthy: [
    ['circle', { cx: 8, cy: 8, r: 6.5, ...SOLID }],
    ['path', { d: 'm5.2 8.2 2 2 3.6-4', ...CUT }],
  ],
  degraded: [
    ['path', { d: 'M8 1.2 15.2 14H.8z', ...SOLID }],
    ['path', { d: 'M8 6v3.4m0 2.3v.1', ...CUT }],
  ],
  down: [
    ['path', { d: 'M5.2 1h5.6L15 5.2v5.6L10.8 15H5.2L1 10.8V5.2z', ...SOLID }],
    ['path', { d: 'm5.6 5.6 4.8 4.8m0-4.8-4.8 4.8', ...CUT }],
  ],
  unknown: [
    ['circle', { cx: 8, cy: 8, r: 6.3, ...LINE, 'stroke-dasharray': '2.6 2.35' }],
    ['path', { d: 'M6.4 6.4c.2-2 3.3-1.8 3.1.1-.1 1.1-1.5 1.1-1.5 2.4m0 2v.1', ...LINE, 'stroke-width': 1.4 }],
  ],
  disabled: [
    ['rect', { x: 1.7, y: 1.7, width: 12.6, height: 12.6, rx: 3, ...LINE }],
    ['path', { d: 'M6.3 5.5v5m3.4-5v5', ...LINE }],
  ],
  up: [['circle', { cx: 8, cy: 8, r: 4.5, ...SOLID }]],
  camera: [['path', { d: 'M1.5 4.5h8.5v7H1.5zM10 7l4.5-2v6L10 9', ...LINE }]],
  network: [['path', { d: 'M2 6.5a9 9 0 0 1 12 0M4.3 9a5.6 5.6 0 0 1 7.4 0M8 12.3v.1', ...LINE }]],
  publisher: [['path', { d: 'M2 3h12v10H2zM4.5 6.2 6.7 8l-2.2 1.8M8.5 10h3', ...LINE }]],
  media_server: [['path', { d: 'M2 2.5h12v4.5H2zM2 9h12v4.5H2zM4.5 4.75h.1M4.5 11.25h.1', ...LINE }]],
  config: [['path', { d: 'M2 4.5h7m3 0h2M2 11.5h2m3 0h7M10.5 3v3M5.5 10v3', ...LINE }]],
  none: [],
  search: [
    ['circle', { cx: 7, cy: 7, r: 4.5, ...LINE }],
    ['path', { d: 'm10.5 10.5 3.5 3.5', ...LINE }],
  ],
  close: [['path', { d: 'm3.5 3.5 9 9m0-9-9 9', ...LINE }]],
  open: [['path', { d: 'm6 3.5 4.5 4.5L6 12.5', ...LINE }]],
  copy: [['path', { d: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3', ...LINE }]],
  external: [['path', { d: 'M9 2.5h4.5V7m0-4.5L7.5 8.5M11.5 9.5v4h-9v-9h4', ...LINE }]],
  ascending: [['path', { d: 'M8 12.5v-9m-3.5 3.5L8 3.5 11.5 7', ...LINE }]],
  descending: [['path', { d: 'M8 3.5v9m-3.5-3.5L8 12.5 11.5 9', ...LINE }]],
  restart: [['path', { d: 'M13.5 8A5.5 5.5 0 1 1 11.7 3.9M13.5 2v3h-3', ...LINE }]],
  probe: [
    ['circle', { cx: 8, cy: 8, r: 2, ...LINE }],
    ['path', { d: 'M1.5 8C3.5 4.5 5.7 3.2 8 3.2S12.5 4.5 14.5 8C12.5 11.5 10.3 12.8 8 12.8S3.5 11.5 1.5 8z', ...LINE }],
  ],
  hold: [['path', { d: 'M5.5 3.5v9m5-9v9', ...LINE, 'stroke-width': 2 }]],
  release: [['path', { d: 'M4.5 3v10l8-5z', ...LINE }]],
};

/**
 * A decorative icon: the words beside it carry the meaning.
 * @param {string} name
 */
export function icon(name, extra = '') {
  const shapes = Object.hasOwn(SHAPES, name) ? SHAPES[name] : [];
  const parts = shapes.map(([tag, attributes]) => svg(tag, attributes));
  return svg(
    'svg',
    { class: `icon ${extra}`.trim(), viewBox: '0 0 16 16', 'aria-hidden': 'true', 'data-icon': name },
    ...parts,
  );
}
