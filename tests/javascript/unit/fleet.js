// Cameras as the service tells of them, made of what a test is about.

import { record } from '../../../src/restream/interfaces/static/js/store.js';

export function camera(
  id,
  { health = 'healthy', fault = 'none', code = null, since = '2026-01-05T10:00:00.000Z', ...rest } = {},
) {
  const reasons = code === null ? [] : [{ code, text: `${code} in words` }];
  return {
    ...{
      id,
      name: `Camera ${id}`,
      site: '',
      host: '',
      camera_type: '',
      path: `cam${id}`,
      media_server: 'default',
      node: 'site-a',
      engine: 'ffmpeg',
      phase: 'running',
      since,
      detail: '',
    },
    ...{ restarts: 0, failures: 0, next_retry: null, video: 'h264', audio: null, bitrate_bps: null, readers: null },
    ...{ rtt_ms: null, loss_ratio: null, verdict: { health, fault, reasons, hint: '', since } },
    ...rest,
  };
}

export const records = (...cameras) => cameras.map(record);

export const down = (id, code, fault, place = {}) => camera(id, { health: 'down', code, fault, ...place });

export const incident = (id, rest = {}) => ({
  ...{ id, scope: 'host', place: 'nvr', cause: 'timeout', total: 3, most: 3, ended: null, cameras: [] },
  acknowledged: null,
  ...rest,
});
