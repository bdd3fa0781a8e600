// The picture of a camera, on demand: a still from the service, or the media server's own player.

import { h, setText, webAddress } from './dom.js';
import { ApiError, api } from './api.js';
import { clock } from './format.js';
import { explain } from './panel.js';
import { t } from './i18n.js';

// What the service answers where there is no picture.
const TOLD = [404, 503, 504];

export function preview() {
  const screen = h('div', { class: 'screen' });
  const caption = h('p', { class: 'caption', role: 'status' });
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
  );
  /** @type {string | null} */
  let id = null;
  /** @type {Partial<CameraDetails["players"]>} */
  let players = {};
  /** @type {string | null} */
  let picture = null;
  /** @type {AbortController | null} */
  let asked = null;

  /** @param {string | null} name */
  function press(name) {
    for (const [each, control] of Object.entries(buttons)) control.setAttribute('aria-pressed', String(each === name));
    buttons.stop.hidden = name === null;
    screen.hidden = name === null;
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

  async function still() {
    if (id === null) return;
    stop();
    press('still');
    asked = new AbortController();
    const { signal } = asked;
    setText(caption, t('preview.waiting'));
    try {
      const blob = await api.still(id, signal);
      if (signal.aborted) return;
      picture = URL.createObjectURL(blob);
      screen.replaceChildren(h('img', { src: picture, alt: t('preview.alt') }));
      setText(caption, t('preview.taken', { time: clock(new Date().toISOString()) }));
    } catch (problem) {
      if (signal.aborted) return;
      screen.hidden = true;
      element.classList.add('failed');
      const told = problem instanceof ApiError && TOLD.includes(problem.status);
      setText(caption, told ? `${t(`preview.error.${problem.status}`)} (${problem.message})` : explain(problem));
    }
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

  stop();
  return {
    element,
    /**
     * @param {string | null} camera
     * @param {CameraDetails | null} details
     */
    open(camera, details) {
      if (camera !== id) stop();
      id = camera;
      players = details?.players ?? {};
      buttons.webrtc.hidden = !webAddress(players.webrtc);
      buttons.hls.hidden = !webAddress(players.hls);
    },
  };
}
