// Boxes to tick, below a word that opens them.

import { h } from './dom.js';

/**
 * @template {string} Name
 * @param {string} kind
 * @param {string} title
 * @param {Name[]} names
 * @param {(name: Name) => string} label
 * @param {(name: Name) => void} onchange
 */
export function checks(kind, title, names, label, onchange) {
  const boxes = new Map(
    names.map((name) => [name, h('input', { type: 'checkbox', name, onchange: () => onchange(name) })]),
  );
  const labels = names.map((name) => h('label', {}, boxes.get(name), label(name)));
  const element = h('details', { class: `checks ${kind}` }, h('summary', {}, title), h('div', {}, labels));
  element.addEventListener('focusout', ({ relatedTarget }) => {
    if (relatedTarget instanceof Node && !element.contains(relatedTarget)) element.open = false;
  });
  element.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !element.open) return;
    element.open = false;
    event.preventDefault();
  });
  return {
    element,
    /** @param {Name} name */
    isChecked: (name) => boxes.get(name)?.checked ?? false,
    /**
     * @param {Name} name
     * @param {boolean} checked
     */
    check(name, checked) {
      const box = boxes.get(name);
      if (box) box.checked = checked;
    },
  };
}
