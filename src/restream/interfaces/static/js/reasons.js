// Verdicts in plain words. A code that is not known here is shown in the words of the service.

import { isolated } from './format.js';
import { known, t, word } from './i18n.js';

/**
 * One reason as a sentence.
 * @param {Reason} reason
 */
export function reasonText(reason) {
  const key = `reason.${reason.why ?? reason.code}`;
  if (!known(key)) return isolated(reason.text || reason.code);
  // Without its numbers a translated sentence would have holes.
  const complete = (NEEDS[reason.code] ?? []).every((name) => reason[name] !== undefined && reason[name] !== null);
  if (!complete) return isolated(reason.text || reason.code);
  return t(key, { ...reason, count: reason[COUNTED[reason.code]] ?? 0 });
}

/** @type {Record<string, (keyof Reason)[]>} */
const NEEDS = {
  srt_loss: ['ratio_10s'],
  srt_rtt: ['rtt_ms', 'latency_ms'],
  srt_drops: ['packets_60s'],
  frames_in_error: ['frames_60s'],
  bitrate_low: ['bitrate_bps', 'usual_bps'],
  restarts: ['restarts_1h'],
  camera_loss: ['ratio_10s'],
  key_frames_rare: ['seconds'],
  video_gone: ['seconds'],
  fps_low: ['fps', 'told_fps'],
  clock_wrong: ['offset_s'],
  row_rejected: ['text'],
};
/** @type {Record<string, "packets_60s" | "frames_60s" | "restarts_1h">} */
const COUNTED = { srt_drops: 'packets_60s', frames_in_error: 'frames_60s', restarts: 'restarts_1h' };

/**
 * All reasons in one line; a healthy camera has none.
 * @param {Verdict} verdict
 */
export function reasonLine(verdict) {
  return verdict.reasons.map(reasonText).join(' · ');
}

/**
 * What to do about it. For frequent restarts that is what helps against their cause.
 * @param {Verdict} verdict
 */
export function hintText(verdict) {
  const first = verdict.reasons[0];
  const key = `hint.${first?.last_cause ?? first?.why ?? first?.code}`;
  return known(key) ? t(key) : verdict.hint;
}

/**
 * A cause as a short title, for groups, incidents and events.
 * @param {string | null} code
 */
export function causeTitle(code) {
  return code ? word('cause', code) : '';
}
