// What happened, newest first.

import { h } from './dom.js';
import { api } from './api.js';
import { duration, full, isolated, moment } from './format.js';
import { explain } from './panel.js';
import { notify } from './notice.js';
import { causeTitle } from './reasons.js';
import { known, t, word } from './i18n.js';
import { icon } from './icons.js';
import { said } from './phrases.js';

const GROUPS = { health: 'health', camera: 'phase', component: 'state', action: 'action', incident: 'incident' };
const SHOWN = 300;
/** @type {("all" | ServiceEvent["kind"])[]} */
const KINDS = ['health', 'incident', 'camera', 'component', 'action', 'all'];

/**
 * @param {ServiceEvent} event
 * @param {string} value
 */
function state(event, value) {
  const group = GROUPS[event.kind] ?? 'state';
  const words = h('span', { class: 'event-state', 'data-health': event.kind === 'health' ? value : null });
  if (event.kind === 'health') words.append(icon(value));
  words.append(word(group, value));
  return words;
}

/** @param {ServiceEvent} event */
function change(event) {
  if (event.kind === 'incident')
    return h(
      'a',
      { class: 'event-change', href: `#tab=incidents&incident=${encodeURIComponent(event.incident ?? '')}` },
      t(`event.incident.${event.after}`),
    );
  if (event.kind !== 'action') return h('span', { class: 'event-change' }, state(event, event.before), ' → ', state(event, event.after));
  return h('span', { class: 'event-change' }, t('event.asked', { action: t(`action.${event.after}`) }));
}

/**
 * One event as a list item; `onCamera` makes the camera's name a way to it.
 * @param {ServiceEvent} event
 * @param {((id: string) => void) | null} onCamera
 */
export function eventItem(event, onCamera = null) {
  const name = event.kind === 'component' ? word('component', event.name) : event.name || event.camera;
  const { camera } = event;
  const subject =
    onCamera && camera !== null
      ? h('button', { type: 'button', class: 'link', onclick: () => onCamera(camera) }, `${isolated(camera)} ${isolated(event.name ?? '')}`)
      : onCamera
        ? h('bdi', { class: 'event-name' }, name)
        : null;
  const cause = event.cause ? causeTitle(event.cause) : '';
  // The words of the service are shown where they say more than the translated cause.
  const detail = event.kind === 'health' && event.cause && known(`cause.${event.cause}`) ? '' : said(event.detail);
  const retry = event.retry_in_s ? t('event.retry', { time: duration(event.retry_in_s) }) : '';
  return h(
    'li',
    { class: 'event', 'data-kind': event.kind },
    h('time', { datetime: event.at, title: full(event.at) }, moment(event.at)),
    subject,
    change(event),
    h('span', { class: 'event-why' }, [cause, detail, retry].filter(Boolean).map(isolated).join(' · ')),
  );
}

/**
 * @param {PanelParts} parts
 * @returns {Panel}
 */
export function panel({ store, route }) {
  /** @type {"all" | ServiceEvent["kind"]} */
  let kind = KINDS[0];
  /** @type {ServiceEvent[] | null} */
  let older = null;
  let newest = -1;
  const list = h('ol', { class: 'events' });
  const nothing = h('p', { class: 'nothing' }, t('events.none'));
  /** @param {string} id */
  const open = (id) => route.change({ camera: id }, { step: true });
  /** @param {ServiceEvent} event */
  const matches = (event) => kind === 'all' || event.kind === kind;
  const buttons = KINDS.map((name) =>
    h(
      'button',
      {
        type: 'button',
        class: 'toggle',
        'aria-pressed': String(name === kind),
        onclick: () => route.change({ own: { kind: name === KINDS[0] ? '' : name } }, { step: true }),
      },
      t(`event.kind.${name}`),
    ),
  );
  const element = h(
    'div',
    { class: 'panel events', hidden: true },
    h('h2', { class: 'visually-hidden' }, t('tab.events')),
    h('div', { class: 'toolbar', role: 'group', 'aria-label': t('events.filter') }, buttons),
    list,
    nothing,
  );
  const draw = () => {
    const ids = new Set(store.events.map((event) => event.id));
    const all = [...(older ?? []).filter((event) => !ids.has(event.id)), ...store.events];
    newest = all.at(-1)?.id ?? -1;
    list.replaceChildren(
      ...all
        .filter(matches)
        .slice(-SHOWN)
        .reverse()
        .map((event) => eventItem(event, open)),
    );
    nothing.hidden = list.childElementCount > 0;
  };
  const fetchOlder = async () => {
    try {
      older = await api.events({ limit: SHOWN });
      draw();
    } catch (error) {
      notify(explain(error), 'failed');
    }
  };
  return {
    element,
    enter() {
      draw();
      fetchOlder();
    },
    view({ own }) {
      const wanted = KINDS.find((each) => each === own?.kind) ?? KINDS[0];
      if (wanted === kind) return;
      kind = wanted;
      buttons.forEach((each, position) => each.setAttribute('aria-pressed', String(KINDS[position] === kind)));
      draw();
    },
    /** @param {Change} change */
    show({ events }) {
      if (element.hidden) return;
      // What came before the panel was opened may come again with a snapshot.
      const fresh = events.filter((event) => event.id > newest);
      newest = fresh.at(-1)?.id ?? newest;
      for (const event of fresh.filter(matches)) list.prepend(eventItem(event, open));
      while (list.childElementCount > SHOWN) list.lastChild?.remove();
      nothing.hidden = list.childElementCount > 0;
    },
  };
}
