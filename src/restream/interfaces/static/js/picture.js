// When a picture of a camera can be had, how long it is good, and what the browser plays.

import { h } from './dom.js';

/** For how long a picture shows what is (ms). */
export const FRESH_MS = 30_000;

/**
 * Whether there may be a picture: what cannot be observed may flow all the same.
 * @param {Camera} camera
 */
export function isSending({ phase, verdict }) {
  return (phase === 'running' || phase === 'idle') && verdict.health !== 'down' && verdict.health !== 'disabled';
}

/**
 * Whether what was seen is what is: of any other camera it is shown in grey.
 * @param {Camera} camera
 */
export function isWatchable({ verdict }) {
  return verdict.health === 'healthy' || verdict.health === 'degraded';
}

/**
 * Whether a picture is to be taken. A camera on demand is woken once, and not kept awake.
 * @param {Camera} camera
 * @param {number | undefined} askedAt when it was tried last (ms)
 * @param {number} now
 */
export function isDue(camera, askedAt, now) {
  if (!isSending(camera)) return false;
  return askedAt === undefined || (camera.phase !== 'idle' && now - askedAt >= FRESH_MS);
}

/**
 * The codecs that browsers may play, as WebRTC and as media types name them (RFC 6381).
 * @type {Record<string, { name: string, rtp: string, type: string }>}
 */
const CODECS = {
  h264: { name: 'H.264', rtp: 'video/h264', type: 'avc1.42E01E' },
  hevc: { name: 'H.265', rtp: 'video/h265', type: 'hvc1.1.6.L93.B0' },
  av1: { name: 'AV1', rtp: 'video/av1', type: 'av01.0.04M.08' },
  vp8: { name: 'VP8', rtp: 'video/vp8', type: 'vp8' },
  vp9: { name: 'VP9', rtp: 'video/vp9', type: 'vp09.00.10.08' },
};

/** @type {Record<'webrtc' | 'hls', (codec: { rtp: string, type: string }) => boolean>} */
const PLAYS = {
  webrtc: ({ rtp }) =>
    (globalThis.RTCRtpReceiver?.getCapabilities('video')?.codecs ?? []).some(
      ({ mimeType }) => mimeType.toLowerCase() === rtp,
    ),
  hls: ({ type }) => h('video').canPlayType(`video/mp4; codecs="${type}"`) !== '',
};

/**
 * Whether this browser plays a codec; one that is not known yet may be tried.
 * @param {'webrtc' | 'hls'} way
 * @param {string | null | undefined} codec
 */
export function plays(way, codec) {
  if (!codec) return true;
  const known = Object.hasOwn(CODECS, codec) ? CODECS[codec] : null;
  return known !== null && PLAYS[way](known);
}

/** @param {string} codec */
export function codecName(codec) {
  return Object.hasOwn(CODECS, codec) ? CODECS[codec].name : codec;
}
