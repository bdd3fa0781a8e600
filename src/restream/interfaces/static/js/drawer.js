// One camera in detail, beside the list.

import { h, memo, setText } from './dom.js';
import { ApiError, api } from './api.js';
import { actions } from './actions.js';
import { charts } from './charts.js';
import { explain } from './panel.js';
import { healthMark } from './columns.js';
import { history } from './history.js';
import { commandSection, factsSection, playersSection, stderrSection } from './facts.js';
import { lookSection } from './look.js';
import { packetsSection } from './packets.js';
import { picturesSection } from './pictures.js';
import { preview } from './preview.js';
import { showTime } from './clock.js';
import { t } from './i18n.js';
import { icon } from './icons.js';
import { isolated } from './format.js';
import { verdictWords } from './verdict.js';

const EVERY_MS = 10_000;
const SOON_MS = 1000;

export class Drawer {
  /** @type {string | null} */
  #id = null;
  /** @type {AbortController | null} */
  #asked = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {CameraDetails | null} */
  #details = null;

  /** @param {{ store: Store, onClose: () => void }} parts */
  constructor({ store, onClose }) {
    this.store = store;
    this.onClose = onClose;
    this.title = h('h2', { tabindex: '-1', dir: 'auto' });
    this.place = h('p', { class: 'drawer-place' });
    this.error = h('p', { class: 'error', role: 'alert' });
    this.health = h('span', { class: 'verdict-health' });
    this.showHealth = healthMark(this.health);
    this.since = h('time');
    this.verdict = h('div', { class: 'verdict-words' });
    this.showVerdict = memo(this.verdict);
    this.actions = actions({ camera: () => this.store.camera(this.#id), onDone: (name) => this.#done(name) });
    this.look = lookSection();
    this.preview = preview();
    this.pictures = picturesSection();
    this.charts = charts();
    this.facts = factsSection();
    this.packets = packetsSection();
    this.players = playersSection();
    this.command = commandSection();
    this.history = history();
    this.stderr = stderrSection();
    this.parts = [
      ...[this.pictures, this.charts, this.facts, this.packets],
      ...[this.history, this.players, this.command, this.stderr],
    ];
    const close = h(
      'button',
      {
        type: 'button',
        class: 'plain close',
        'aria-label': t('drawer.close'),
        title: t('drawer.close.title'),
        onclick: () => this.close(),
      },
      icon('close'),
    );
    this.verdictBox = h(
      'section',
      { class: 'verdict', 'aria-label': t('drawer.verdict') },
      h(
        'p',
        { class: 'verdict-line' },
        this.health,
        h('span', { class: 'verdict-since' }, `${t('drawer.since')} `, this.since),
      ),
      this.verdict,
    );
    this.rest = h(
      'div',
      { class: 'drawer-rest' },
      this.look.element,
      this.preview.element,
      this.parts.map(({ element }) => element),
    );
    this.body = h(
      'div',
      { class: 'drawer-body', tabindex: '0', role: 'region', 'aria-label': t('drawer.details') },
      this.error,
      this.verdictBox,
      this.actions.element,
      this.rest,
    );
    this.element = h(
      'aside',
      { class: 'drawer', hidden: true, 'aria-label': t('drawer.label') },
      h('div', { class: 'drawer-head' }, h('div', { class: 'drawer-title' }, this.title, this.place), close),
      this.body,
    );
  }

  /** @param {string | null} id */
  open(id) {
    if (id === this.#id) return;
    this.#forget();
    this.#id = id;
    this.element.hidden = id === null;
    this.preview.open(id, null);
    if (id === null) return;
    this.#details = null;
    this.rest.hidden = true;
    setText(this.error, '');
    this.body.scrollTop = 0;
    this.actions.reset();
    this.#summary();
    this.refetch();
  }

  /** @param {{ connection?: boolean, session?: boolean }} now what may be done */
  allow(now) {
    this.actions.allow(now);
    this.pictures.allow(now);
  }

  focus() {
    this.title.focus();
  }

  close() {
    this.onClose();
  }

  /**
   * New data came for the list.
   * @param {Change} change
   */
  show({ cameras, events }) {
    if (this.#id === null) return;
    if (cameras.has(this.#id)) this.#summary();
    const mine = events.filter((event) => event.camera === this.#id);
    if (mine.length) this.history.add(mine);
    if (cameras.has(this.#id)) this.#soon();
  }

  #forget() {
    this.#asked?.abort();
    this.#asked = null;
    clearTimeout(this.#timer);
  }

  /** @param {Action} name */
  #done(name) {
    if (name === 'probe') this.look.begin();
    this.#soon();
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refetch(), SOON_MS);
  }

  async refetch() {
    if (this.#id === null) return;
    this.#forget();
    const asked = new AbortController();
    this.#asked = asked;
    const first = this.#details === null;
    try {
      const [details, events] = await Promise.all([
        api.camera(this.#id, asked.signal),
        first ? api.events({ camera: this.#id, limit: 50 }, asked.signal) : null,
      ]);
      if (asked.signal.aborted) return;
      setText(this.error, '');
      if (events) this.history.replace(events);
      this.#show(details);
    } catch (problem) {
      if (asked.signal.aborted) return;
      if (problem instanceof ApiError && problem.status === 404) this.#nothing(t('drawer.gone'));
      else setText(this.error, explain(problem));
    }
    this.#timer = setTimeout(() => this.refetch(), this.#details?.probing ? SOON_MS : EVERY_MS);
  }

  /** What the list knows already is shown at once. */
  #summary() {
    const camera = this.store.camera(this.#id);
    if (camera) this.#head(camera);
    else this.#nothing(this.store.filled ? t('drawer.gone') : '');
  }

  /**
   * There is no such camera (any more), or none yet: there is nothing to do to it.
   * @param {string} text
   */
  #nothing(text) {
    setText(this.title, this.#id ?? '');
    setText(this.place, '');
    setText(this.error, text);
    this.#allow(false);
    this.rest.hidden = true;
  }

  /** @param {boolean} present */
  #allow(present) {
    this.verdictBox.hidden = !present;
    this.actions.element.hidden = !present;
  }

  /** @param {Camera} camera */
  #head(camera) {
    if (this.verdictBox.hidden) setText(this.error, '');
    this.#allow(true);
    setText(this.title, camera.name || t('list.unnamed', { id: camera.id }));
    setText(
      this.place,
      [`${t('column.id')} ${camera.id}`, camera.site, camera.host, camera.camera_type]
        .filter(Boolean)
        .map(isolated)
        .join(' · '),
    );
    const { verdict } = camera;
    this.verdictBox.dataset.health = verdict.health;
    this.showHealth(verdict.health);
    showTime(this.since, verdict.since);
    const shown = { verdict, phase: camera.phase, detail: camera.detail, retry: camera.next_retry };
    this.showVerdict(shown, () => verdictWords(shown));
    this.actions.update();
    this.preview.update(camera);
  }

  /** @param {CameraDetails} details */
  #show(details) {
    this.#details = details;
    setText(this.error, details.elsewhere ? `${t('drawer.elsewhere')} ${details.elsewhere}` : '');
    if (!this.store.camera(this.#id)) this.#head(details);
    this.rest.hidden = false;
    this.preview.open(this.#id, details);
    this.look.show(details);
    for (const part of this.parts) part.show(details);
  }
}
