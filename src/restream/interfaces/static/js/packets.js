// What the packets of a camera tell, where the service sees them.

import { h, memo } from './dom.js';
import { bitrate, milliseconds, NOTHING, number, percent } from './format.js';
import { t } from './i18n.js';
import { section } from './facts.js';
import { clockText } from './look.js';

/** @typedef {NonNullable<CameraDetails['stream']>} Sent */

/** @param {Amount} value */
export function jitter(value) {
  return milliseconds(typeof value === 'number' ? value * 1000 : null, 1);
}

/** @param {Amount} value */
export function seconds(value) {
  return typeof value === 'number' ? t('packets.seconds', { seconds: number(value, 1) }) : NOTHING;
}

/**
 * By name; what is not known is left out.
 * @param {Sent} stream
 * @returns {[string, string][]}
 */
export function packetFacts({ video, audio, loss_ratio_10s: loss }) {
  const every = video.key_frame_interval_s;
  const clock = video.clock_offset_s ?? audio?.clock_offset_s;
  /** @type {[string, string | null | undefined][]} */
  const found = [
    ['loss', loss === null ? null : percent(loss, 2)],
    ['lost', number(video.lost + (audio?.lost ?? 0))],
    ['jitter', video.jitter_s === null ? null : jitter(video.jitter_s)],
    ['fps', video.fps === null ? null : t('media.fps', { fps: number(video.fps, 1) })],
    ['keys', every === null ? null : seconds(every)],
    ['video', video.bitrate_bps === null ? null : bitrate(video.bitrate_bps)],
    ['audio', audio && audio.bitrate_bps !== null ? bitrate(audio.bitrate_bps) : null],
    ['clock', clock === null || clock === undefined ? null : clockText(clock) || t('packets.clock.same')],
  ];
  return found.flatMap(([name, value]) => (value ? [[name, value]] : []));
}

export function packetsSection() {
  const list = h('dl', { class: 'facts' });
  const show = memo(list);
  const element = section('packets', list);
  return {
    element,
    /** @param {CameraDetails} details */
    show({ stream }) {
      element.hidden = !stream;
      if (!stream) return;
      const found = packetFacts(stream);
      show(found, () =>
        found.map(([name, value]) => h('div', {}, h('dt', {}, t(`packets.${name}`)), h('dd', {}, value))),
      );
    },
  };
}
