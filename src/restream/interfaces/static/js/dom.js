// Building the page. Data only ever becomes text nodes and attributes that cannot run.

const SVG = 'http://www.w3.org/2000/svg';

/**
 * An element. `on…` properties are listeners; null and false children and attributes are left out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {...(Child | Child[])} children
 */
export function h(tag, attributes = {}, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {...(Child | Child[])} children
 */
export function svg(tag, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * @template {Element} Made
 * @param {Made} element
 * @param {Attributes} attributes
 * @param {(Child | Child[])[]} children
 */
function furnish(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...present(children));
  return element;
}

/** @param {(Child | Child[])[]} children */
function present(children) {
  return children.flat().filter((child) => child !== null && child !== undefined && child !== false);
}

/**
 * Writes only what changed: an untouched node costs no layout.
 * @param {Node} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string | number | null | undefined} value
 */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/**
 * Replaces the children of a node when what they show has changed.
 * @param {Element} element
 */
export function memo(element) {
  /** @type {string | undefined} */
  let shown;
  /**
   * @template Data
   * @param {Data} data
   * @param {(data: Data) => Child | Child[]} build
   */
  return (data, build) => {
    const key = JSON.stringify(data);
    if (key === shown) return;
    shown = key;
    element.replaceChildren(...present([build(data)]));
  };
}

/**
 * Only web addresses may become links or frames; anything else stays text.
 * @param {string | null | undefined} text
 */
export function webAddress(text) {
  try {
    const url = new URL(text ?? '');
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * Copies text; the clipboard interface is missing on plain http, so there is a second way.
 * @param {string} text
 */
export async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Refused: try the old way.
    }
  }
  const field = h('textarea', { class: 'visually-hidden', readonly: true });
  field.value = text;
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  let copied = false;
  try {
    copied = document.execCommand('copy');
  } catch {
    copied = false;
  }
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}

/** Children that are made in one frame; the others come in the next ones, so that nothing waits for them. */
const AT_ONCE = 8;

/**
 * Shows one child for each thing, and makes anew only those whose thing has changed.
 * @template Thing
 * @param {Element} element
 * @param {(thing: Thing) => string} keyOf the same thing has the same
 * @param {(thing: Thing) => HTMLElement} make
 */
export function keyed(element, keyOf, make) {
  /** @type {Map<string, { shown: string, child: HTMLElement }>} */
  let known = new Map();
  let later = 0;
  /**
   * @param {Thing[]} things
   * @param {(thing: Thing) => unknown} what is shown of it
   */
  const show = (things, what) => {
    cancelAnimationFrame(later);
    /** @type {typeof known} */
    const next = new Map();
    let made = 0;
    for (const thing of things) {
      const key = keyOf(thing);
      const shown = JSON.stringify(what(thing));
      const before = known.get(key);
      if (before?.shown === shown) next.set(key, before);
      else if (made < AT_ONCE) next.set(key, { shown, child: make(thing) });
      else if (before) next.set(key, before);
      made += Number(before?.shown !== shown);
    }
    if (made > AT_ONCE) later = requestAnimationFrame(() => show(things, what));
    known = next;
    let at = element.firstElementChild;
    for (const { child } of next.values()) {
      if (child === at) at = at.nextElementSibling;
      else element.insertBefore(child, at);
    }
    while (at) {
      const gone = at;
      at = at.nextElementSibling;
      gone.remove();
    }
  };
  return show;
}
