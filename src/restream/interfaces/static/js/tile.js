// One camera of the wall: its picture, how it is, and the way to its details.

import { h, setAttribute, setText } from './dom.js';
import { healthMark } from './columns.js';
import { isSending } from './picture.js';
import { livePicture } from './livepicture.js';
import { reasonLine } from './reasons.js';
import { t } from './i18n.js';

export class Tile {
  /** @type {string | null} */
  #id = null;

  /** @param {() => void} onChange it shows something else than it was told to */
  constructor(onChange) {
    this.picture = h('div', { class: 'tile-picture' });
    this.name = h('bdi');
    this.link = h('a', {}, this.name);
    this.mark = h('span', { class: 'mark tile-mark' });
    this.site = h('bdi', { class: 'tile-site' });
    this.why = h('p', { class: 'tile-why' });
    this.element = h(
      'li',
      { class: 'tile' },
      this.picture,
      h('div', { class: 'tile-line' }, this.mark, this.link, this.site),
      this.why,
    );
    this.showMark = healthMark(this.mark);
    /** Why there is a still in place of a live picture. */
    this.still = '';
    this.live = livePicture(this.picture, (why) => {
      this.still = why;
      this.live.stop();
      onChange();
    });
    /** @type {Camera | null} */
    this.camera = null;
  }

  /**
   * @param {CameraRecord} record
   * @param {{ live: boolean, address: string }} how
   */
  show({ camera }, { live, address }) {
    if (camera.id !== this.#id) this.clear();
    this.#id = camera.id;
    this.camera = camera;
    const name = camera.name || t('list.unnamed', { id: camera.id });
    setText(this.name, name);
    setText(this.site, camera.site);
    setAttribute(this.link, 'href', address);
    this.element.dataset.health = camera.verdict.health;
    setAttribute(this.element, 'data-camera', camera.id);
    this.showMark(camera.verdict.health);
    const reason = camera.verdict.health === 'healthy' ? '' : reasonLine(camera.verdict);
    setText(this.why, reason || (live ? this.still : ''));
    this.why.title = this.why.textContent ?? '';
    const wanted = live && isSending(camera) && !this.still;
    if (wanted && !this.live.isRunning) {
      delete this.picture.dataset.state;
      this.live.start(camera);
    } else if (!wanted && this.live.isRunning) this.live.stop();
    this.element.hidden = false;
  }

  /** Where a still goes, if one is wanted. */
  get frame() {
    return this.camera && !this.element.hidden && !this.live.isRunning ? { camera: this.camera, place: this.picture } : null;
  }

  /** Nothing of it plays on. */
  clear() {
    this.live.stop();
    delete this.picture.dataset.state;
    this.#id = null;
    this.still = '';
    this.camera = null;
    this.element.hidden = true;
  }
}
