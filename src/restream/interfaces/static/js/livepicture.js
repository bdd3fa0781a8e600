// A live picture in a tile: WebRTC first, else HLS where the browser plays it, else the media server's own player.

import { h, setText, webAddress } from './dom.js';
import { api } from './api.js';
import { bitrate, number } from './format.js';
import { codecName, plays } from './picture.js';
import { t } from './i18n.js';
import { play, WhepError } from './whep.js';

const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 60_000;
/** With these it is of no use to try WebRTC again. */
const FOR_GOOD = ['codec', 'unreachable'];

/**
 * @param {HTMLElement} place where the picture goes
 * @param {(why: string) => void} onGivenUp the browser plays it in no way
 */
export function livePicture(place, onGivenUp) {
  /** @type {AbortController | null} */
  let running = null;
  const words = h('span', { class: 'tile-live' });

  /**
   * @param {Camera} camera
   * @param {AbortSignal} signal
   */
  async function run(camera, signal) {
    let waitMs = FIRST_WAIT_MS;
    while (!signal.aborted) {
      const players = (await api.camera(camera.id, signal).catch(() => null))?.players;
      if (signal.aborted) return;
      const why = players ? await webrtc(camera, webAddress(players.webrtc), signal) : 'unreachable';
      if (signal.aborted) return;
      if (players && FOR_GOOD.includes(why) && hls(camera, webAddress(players.hls), why)) return;
      if (why === 'codec') {
        onGivenUp(t('wall.trouble.codec', { codec: codecName(camera.video ?? '') }));
        return;
      }
      say(t(`wall.trouble.${why}`, { codec: codecName(camera.video ?? '') }));
      await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random() / 2)));
      waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
    }
  }

  /**
   * Why it has ended.
   * @param {Camera} camera
   * @param {string | null} address
   * @param {AbortSignal} signal
   */
  async function webrtc(camera, address, signal) {
    if (!address) return 'unreachable';
    if (!plays('webrtc', camera.video)) return 'codec';
    const video = screen();
    place.replaceChildren(video, words);
    say(t('wall.connecting'));
    /** @param {import('./whep.js').Figures} figures */
    const onFigures = ({ fps, bps, lost, width, height }) => {
      say(t('wall.live', { fps: number(fps), bitrate: bitrate(bps) }));
      words.title = t('wall.figures', { width, height, lost: number(lost) });
    };
    try {
      await play(address, video, { signal, onFigures });
      return 'silent';
    } catch (error) {
      return error instanceof WhepError ? error.trouble : 'unreachable';
    }
  }

  function screen() {
    const video = h('video', { muted: true, autoplay: true, playsinline: true });
    // The attribute alone does not mute what is made by a script.
    video.muted = true;
    return video;
  }

  /**
   * Whether HLS is shown in its place.
   * @param {Camera} camera
   * @param {string | null} address
   * @param {string} why
   */
  function hls(camera, address, why) {
    if (!address || !plays('hls', camera.video)) return false;
    const own = screen();
    if (own.canPlayType('application/vnd.apple.mpegurl')) {
      own.addEventListener('error', () => frame(address, why), { once: true });
      own.src = address;
      place.replaceChildren(own, words);
      say(t('wall.hls', { why: t(`wall.trouble.${why}`, { codec: codecName(camera.video ?? '') }) }));
    } else frame(address, why);
    return true;
  }

  /**
   * @param {string} address
   * @param {string} why
   */
  function frame(address, why) {
    const player = h('iframe', {
      title: t('preview.frame'),
      src: `${address.replace(/index\.m3u8$/, '')}?controls=false&muted=true&autoplay=true`,
      allow: 'autoplay',
      sandbox: 'allow-scripts allow-same-origin',
      referrerpolicy: 'no-referrer',
      tabindex: '-1',
    });
    place.replaceChildren(player, words);
    say(t('wall.hls', { why: t(`wall.trouble.${why}`, { codec: '' }) }));
  }

  /** @param {string} text */
  function say(text) {
    setText(words, text);
    if (!words.isConnected) place.append(words);
  }

  function stop() {
    running?.abort();
    running = null;
    place.replaceChildren();
  }

  return {
    /** @param {Camera} camera */
    start(camera) {
      stop();
      running = new AbortController();
      run(camera, running.signal);
    },
    stop,
    get isRunning() {
      return running !== null;
    },
  };
}
