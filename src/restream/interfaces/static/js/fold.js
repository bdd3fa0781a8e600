// What a telephone has no room for is folded away there, below a button that brings it back.

import { h } from './dom.js';

/**
 * @param {string} label
 * @param {HTMLElement} element what is folded
 */
export function fold(label, element) {
  const button = h('button', { type: 'button', class: 'fold' }, label);
  const set = (/** @type {boolean} */ open) => {
    button.setAttribute('aria-expanded', String(open));
    element.dataset.folded = String(!open);
  };
  button.addEventListener('click', () => set(element.dataset.folded === 'true'));
  set(false);
  return button;
}
