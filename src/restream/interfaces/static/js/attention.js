// Drawing the eye of somebody who looks elsewhere: the title, the icon, and where it is wished a sound or a message.

import { checks } from './checks.js';
import { incidents, incidentTitle } from './incidents.js';
import { number } from './format.js';
import { remember, remembered, t } from './i18n.js';
import { causeTitle } from './reasons.js';

/** An incident that comes back so soon is the same one (ms). */
const SAME_MS = 600_000;
/** @type {('sound' | 'message')[]} */
const WAYS = ['sound', 'message'];
const STORED = 'restream.alert.';
const SOON_MS = 500;

/** @param {number} down */
function iconOf(down) {
  const text = down > 99 ? '99+' : String(down);
  const shape = `<path fill="#b3151f" d="M10 1h12l9 9v12l-9 9H10l-9-9V10z"/>`;
  const font = `font-family="sans-serif" font-weight="700" font-size="${text.length > 2 ? 13 : 18}"`;
  const word = `<text x="16" y="22" fill="#fff" text-anchor="middle" ${font}>${text}</text>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${shape}${word}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** How many are down, where tabs show it. */
export function titleMark() {
  const link = document.querySelector('link[rel="icon"]');
  const plain = link?.getAttribute('href') ?? '';
  let wanted = 0;
  let shown = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  const show = () => {
    waiting = undefined;
    const down = wanted;
    if (down === shown) return;
    shown = down;
    document.title = down ? `(${number(down)}) ${t('page.title')}` : t('page.title');
    link?.setAttribute('href', down ? iconOf(down) : plain);
  };
  return (/** @type {number} */ down) => {
    wanted = down;
    // A new icon costs the browser more than the list does: it waits until that is painted.
    waiting ??= setTimeout(show, SOON_MS);
  };
}

/**
 * Tells incidents that were not there before; those that the page finds when it opens are not new.
 */
export function newIncidents() {
  /** @type {Map<string, number> | null} */
  let known = null;
  /**
   * @param {{ records: Map<string, CameraRecord>, incidents: Map<string, OpenIncident> }} store
   * @param {number} now (ms)
   */
  return (store, now) => {
    const found = incidents(store.incidents.values(), store.records);
    const before = known;
    known = new Map([...(before ?? [])].filter(([, at]) => now - at < SAME_MS));
    const fresh = found.filter(({ key }) => before !== null && !known?.has(key));
    for (const { key } of found) known.set(key, now);
    return fresh;
  };
}

/** Two short tones: no file, and none that comes from elsewhere. */
function sounder() {
  /** @type {AudioContext | null} */
  let audio = null;
  return () => {
    audio ??= new AudioContext();
    audio.resume();
    for (const [position, hertz] of [660, 880].entries()) {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      const start = audio.currentTime + position * 0.2;
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0.2, start);
      volume.gain.exponentialRampToValueAtTime(0.001, start + 0.18);
      tone.connect(volume).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.2);
    }
  };
}

/**
 * Sound and messages of the browser, for new incidents only, for those who ask for it.
 * @param {Store} store
 */
export function alerts(store) {
  const sound = sounder();
  let fresh = newIncidents();
  const look = () => fresh(store, Date.now());
  const ways = WAYS.filter((way) => way === 'sound' || (window.isSecureContext && 'Notification' in window));
  const boxes = checks('alert-choice', t('alerts.title'), ways, (way) => t(`alerts.${way}`), (way) => choose(way));
  for (const way of ways) boxes.check(way, remembered(STORED + way) === '1');
  /** @param {'sound' | 'message'} way */
  async function choose(way) {
    let wanted = boxes.isChecked(way);
    // What is there when the first is wished is not new.
    if (wanted && ways.every((each) => each === way || !boxes.isChecked(each))) {
      fresh = newIncidents();
      look();
    }
    if (wanted && way === 'sound') sound();
    if (wanted && way === 'message') wanted = (await Notification.requestPermission()) === 'granted';
    boxes.check(way, wanted);
    remember(STORED + way, wanted ? '1' : null);
  }
  return {
    element: boxes.element,
    update() {
      if (!ways.some((way) => boxes.isChecked(way))) return;
      const found = look();
      if (!found.length) return;
      if (boxes.isChecked('sound')) sound();
      if (!boxes.isChecked('message') || Notification.permission !== 'granted') return;
      const [{ incident }] = found;
      const title = incidentTitle(incident, store.records);
      new Notification(title, { body: causeTitle(incident.cause), tag: 'restream' });
    },
  };
}
