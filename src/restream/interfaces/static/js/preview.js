// The picture of a camera, on demand: a still from the service, or the media server's own player.

import { h, setAttribute, setText, webAddress } from './dom.js';
import { ApiError, api } from './api.js';
import { serverNow, showTime } from './clock.js';
import { clock } from './format.js';
import { explain } from './panel.js';
import { codecName, isDue, isSending, isWatchable, plays } from './picture.js';
import { t } from './i18n.js';

// What the service answers where there is no picture.
const TOLD = [404, 503, 504];
const LOOK_MS = 2000;
const NAMES = { webrtc: 'WebRTC', hls: 'HLS' };
const LIVE = /** @type {(keyof typeof NAMES)[]} */ (Object.keys(NAMES));

export function preview() {
  const screen = h('div', { class: 'screen' });
  const caption = h('p', { class: 'caption', role: 'status' });
  const age = h('time');
  const note = h('p', { class: 'note', hidden: true });
  /**
   * @param {string} name
   * @param {() => void} action
   */
  const choose = (name, action) =>
    h('button', { type: 'button', 'data-view': name, 'aria-pressed': 'false', onclick: action }, t(`preview.${name}`));
  const buttons = {
    still: choose('still', () => still()),
    webrtc: choose('webrtc', () => play('webrtc')),
    hls: choose('hls', () => play('hls')),
    stop: choose('stop', () => stop()),
  };
  const element = h(
    'section',
    { class: 'preview', 'aria-label': t('preview.label') },
    h('div', { class: 'buttons' }, Object.values(buttons)),
    screen,
    caption,
    note,
  );
  /** @type {string | null} */
  let id = null;
  /** @type {Camera | null} */
  let camera = null;
  /** @type {Partial<CameraDetails["players"]>} */
  let players = {};
  /** @type {string | null} */
  let picture = null;
  /** @type {AbortController | null} */
  let asked = null;
  /** @type {number | undefined} */
  let askedAt;
  /** @type {string | null} */
  let shown = null;

  /** @param {string | null} name */
  function press(name) {
    shown = name;
    for (const [each, control] of Object.entries(buttons)) control.setAttribute('aria-pressed', String(each === name));
    buttons.stop.hidden = name === null;
    screen.hidden = name === null;
    say();
  }

  function stop() {
    asked?.abort();
    asked = null;
    screen.replaceChildren();
    if (picture) URL.revokeObjectURL(picture);
    picture = null;
    setText(caption, '');
    element.classList.remove('failed');
    press(null);
  }

  function still() {
    if (id === null) return;
    stop();
    press('still');
    setText(caption, t('preview.waiting'));
    take(id);
  }

  /** @param {string} of */
  async function take(of) {
    asked?.abort();
    asked = new AbortController();
    askedAt = performance.now();
    const { signal } = asked;
    try {
      const blob = await api.still(of, signal);
      if (signal.aborted) return;
      if (picture) URL.revokeObjectURL(picture);
      picture = URL.createObjectURL(blob);
      const at = new Date(serverNow()).toISOString();
      showTime(age, at, 'ago');
      screen.replaceChildren(h('img', { src: picture, alt: t('preview.alt') }), age);
      screen.hidden = false;
      element.classList.remove('failed');
      setText(caption, t('preview.taken', { time: clock(at) }));
    } catch (problem) {
      if (signal.aborted) return;
      screen.hidden = picture === null;
      element.classList.add('failed');
      const told = problem instanceof ApiError && TOLD.includes(problem.status);
      setText(caption, told ? `${t(`preview.error.${problem.status}`)} (${problem.message})` : explain(problem));
    }
  }

  /** A still that is looked at is taken again, whether there was one or not. */
  function again() {
    if (shown !== 'still' || camera === null || document.hidden) return;
    if (isDue(camera, askedAt, performance.now())) take(camera.id);
  }

  /** @param {"webrtc" | "hls"} kind */
  function play(kind) {
    stop();
    // The address of HLS is that of its playlist; the media server's player is the page above it.
    const address = webAddress(players[kind])?.replace(/index\.m3u8$/, '');
    if (!address) return;
    press(kind);
    // The player is another site: it gets no way to this page, and no address of it.
    const frame = h('iframe', {
      title: t('preview.frame'),
      src: address,
      allow: 'autoplay; fullscreen',
      sandbox: 'allow-scripts allow-same-origin',
      referrerpolicy: 'no-referrer',
    });
    screen.replaceChildren(frame);
    const blocked = location.protocol === 'https:' && address.startsWith('http:');
    setText(caption, blocked ? t('preview.mixed') : t('preview.playing', { address }));
  }

  /** What can be had now, and why not the rest. */
  function say() {
    const sending = camera === null || isSending(camera);
    const offered = LIVE.filter((way) => webAddress(players[way]));
    const silent = offered.filter((way) => !plays(way, camera?.video));
    buttons.still.disabled = !sending;
    for (const way of LIVE) {
      buttons[way].hidden = !offered.includes(way);
      buttons[way].disabled = !sending || silent.includes(way);
    }
    setAttribute(screen, 'data-current', String(camera === null || isWatchable(camera)));
    const ways = silent.map((way) => NAMES[way]).join(', ');
    const codec = silent.length ? t('preview.codec', { codec: codecName(camera?.video ?? ''), ways }) : '';
    setText(note, sending ? codec : t(picture ? 'preview.old' : 'preview.away'));
    note.hidden = note.textContent === '';
  }

  stop();
  setInterval(again, LOOK_MS);
  return {
    element,
    /**
     * @param {string | null} wanted
     * @param {CameraDetails | null} details
     */
    open(wanted, details) {
      if (wanted !== id) {
        camera = null;
        stop();
      }
      id = wanted;
      players = details?.players ?? {};
      say();
    },
    /** @param {Camera} now */
    update(now) {
      camera = now;
      say();
    },
  };
}
