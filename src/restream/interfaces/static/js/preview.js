// The picture of a camera, on demand: a still from the service, or the media server's own player.

import { h, setText, webAddress } from './dom.js';
import { api } from './api.js';
import { clock } from './format.js';
import { explain } from './panel.js';
import { t } from './i18n.js';

export function preview() {
  const screen = h('div', { class: 'screen' });
  const caption = h('p', { class: 'caption', role: 'status' });
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
  let id = null;
  let players = {};
  let picture = null;
  let asked = null;

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
      const known = { 404: 'preview.error.404', 503: 'preview.error.503', 504: 'preview.error.504' }[problem.status];
      setText(caption, known ? `${t(known)} (${problem.message})` : explain(problem));
    }
  }

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
    open(camera, details) {
      if (camera !== id) stop();
      id = camera;
      players = details?.players ?? {};
      for (const kind of ['webrtc', 'hls']) buttons[kind].hidden = !webAddress(players[kind]);
    },
  };
}
