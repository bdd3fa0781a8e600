// Keyboard of the list: one row is current; the list keeps the focus, so rows may come and go.

/** @typedef {import('./list.js').CameraList} CameraList */

/** @type {Record<string, (list: CameraList) => number>} */
const STEPS = { ArrowDown: () => 1, ArrowUp: () => -1, PageDown: (list) => list.page, PageUp: (list) => -list.page };
const FOLLOW_MS = 150;

export class ListKeys {
  index = -1;
  /** @type {string | null} */
  #key = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #following;

  /** @param {CameraList} list */
  constructor(list) {
    this.list = list;
    list.element.addEventListener('keydown', (event) => this.#press(event));
    list.element.addEventListener('focus', () => {
      if (this.index < 0 && list.items.length && list.element.matches(':focus-visible')) this.choose(0);
    });
  }

  /** The rows were arranged anew: the current one may have moved. */
  follow() {
    this.index = this.#key === null ? -1 : this.list.items.findIndex((item) => item.key === this.#key);
  }

  /** @param {number} index */
  choose(index, { open = false, enter = false } = {}) {
    const item = this.list.items[index];
    if (!item) return;
    this.index = index;
    this.#key = item.key;
    clearTimeout(this.#following);
    if (item.kind !== 'camera') {
      if (open) this.list.toggle(item);
    } else if (open) this.list.onOpen(item.id, { enter });
    // An open drawer follows the arrow keys, once they rest.
    else if (this.list.route.now.camera !== null)
      this.#following = setTimeout(() => this.list.onOpen(item.id, {}), FOLLOW_MS);
    this.list.reveal(index);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.target !== this.list.element || event.altKey || event.ctrlKey || event.metaKey) return;
    const last = this.list.items.length - 1;
    const item = this.list.items[this.index];
    /** @param {number} index */
    const clamp = (index) => Math.min(last, Math.max(0, index));
    if (event.key in STEPS) this.choose(clamp(this.index + STEPS[event.key](this.list)));
    else if (event.key === 'Home') this.choose(0);
    else if (event.key === 'End') this.choose(last);
    else if (event.key === 'Enter' || event.key === ' ')
      this.choose(this.index, { open: true, enter: event.key === 'Enter' });
    else if (event.key === 'ArrowRight' && item?.open === false) this.list.toggle(item, true);
    else if (event.key === 'ArrowLeft' && item?.open) this.list.toggle(item, false);
    else return;
    event.preventDefault();
  }
}
