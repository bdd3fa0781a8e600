// The views of the page as tabs: as many as there is room for in a row, the others below a button "More".

import { h, setAttribute, setText } from './dom.js';
import { PANELS } from './panels.js';
import { TABS } from './route.js';
import { number } from './format.js';
import { t } from './i18n.js';

/** @param {Route} route */
export function tabBar(route) {
  const counts = new Map(TABS.map((name) => [name, h('span', { class: name === 'cameras' ? 'tab-count' : 'tab-news' })]));
  const tabs = new Map(TABS.map((name) => [name, tab(name)]));
  for (const { id, optional } of PANELS) tabs.get(id)?.toggleAttribute('hidden', optional ?? false);
  let chosen = 'cameras';
  const views = { role: 'tablist', 'aria-label': t('tabs.label') };
  const row = h('div', { class: 'tabs', ...views, onkeydown: (/** @type {KeyboardEvent} */ event) => walk(event) });
  const rest = h('div', {
    class: 'tabs-rest',
    id: 'tabs-rest',
    role: 'tablist',
    'aria-orientation': 'vertical',
    'aria-label': t('tabs.more'),
    hidden: true,
    onkeydown: (/** @type {KeyboardEvent} */ event) => walk(event),
  });
  const word = h('span');
  const more = h(
    'button',
    {
      type: 'button',
      class: 'tabs-more',
      'aria-controls': 'tabs-rest',
      'aria-expanded': 'false',
      onclick: () => unfold(rest.hidden),
    },
    word,
  );
  const element = h('div', { class: 'tab-bar' }, row, h('div', { class: 'tabs-corner' }, more, rest));
  row.append(...tabs.values());

  /** @param {string} name */
  function tab(name) {
    const choose = () => {
      unfold(false);
      route.change({ tab: name }, { step: true });
    };
    const it = { type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': `panel-${name}`, onclick: choose };
    return h('button', it, t(`tab.${name}`));
  }

  /** @param {boolean} open */
  function unfold(open) {
    const had = rest.contains(document.activeElement);
    rest.hidden = !open;
    setAttribute(more, 'aria-expanded', String(open));
    if (open) (shown(rest).find((each) => each.tabIndex === 0) ?? shown(rest)[0])?.focus();
    else if (had) more.focus();
  }

  /** @param {HTMLElement} list */
  const shown = (list) => [...list.children].flatMap((each) => (each instanceof HTMLElement && !each.hidden ? each : []));

  /** In the row a step chooses, below "More" it looks. @param {KeyboardEvent} event */
  function walk(event) {
    const inRow = row.contains(/** @type {Node} */ (event.target));
    const [back, on] = inRow ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown'];
    const all = shown(inRow ? row : rest);
    const at = all.findIndex((each) => each === event.target);
    const to = { [back]: at - 1, [on]: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      const next = all[(to + all.length) % all.length];
      next.focus();
      if (inRow) next.click();
    } else if (!inRow && event.key === 'Escape') unfold(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Puts as many as fit into the row. */
  function arrange() {
    const all = [...tabs.values()];
    const focused = all.find((each) => each === document.activeElement);
    row.append(...all);
    more.hidden = true;
    const rights = new Map(all.map((each) => [each, each.getBoundingClientRect().right]));
    // Parts of pixels are no lack of room.
    const beyond = () => {
      const end = row.getBoundingClientRect().right + 1;
      return all.filter((each) => !each.hidden && (rights.get(each) ?? 0) > end);
    };
    let below = beyond();
    if (below.length) {
      more.hidden = false;
      say(false);
      below = beyond();
      // The button has the name of what is chosen below it, and may need more room for that.
      say(below.some((each) => each === tabs.get(chosen)));
      below = beyond();
      rest.replaceChildren(...below);
    } else unfold(false);
    say();
    if (focused && focused !== document.activeElement) (more.hidden || !rest.hidden ? focused : more).focus();
  }

  /** What the button is called, and which tab the keyboard comes to. */
  function say(below = tabs.get(chosen)?.parentElement === rest) {
    setText(word, t(below ? `tab.${chosen}` : 'tabs.more'));
    setAttribute(more, 'aria-label', below ? t('tabs.more.chosen', { name: t(`tab.${chosen}`) }) : null);
    setAttribute(more, 'aria-current', below ? 'true' : null);
    for (const list of [row, rest]) {
      const all = shown(list);
      const first = all.find((each) => each === tabs.get(chosen)) ?? all[0];
      for (const each of all) each.tabIndex = each === first ? 0 : -1;
    }
  }

  let width = 0;
  new ResizeObserver(() => {
    if (element.clientWidth !== width) arrange();
    width = element.clientWidth;
  }).observe(element);
  document.addEventListener('pointerdown', ({ target }) => {
    if (!rest.hidden && target instanceof Node && !more.parentElement?.contains(target)) unfold(false);
  });
  more.parentElement?.addEventListener('focusout', ({ relatedTarget }) => {
    if (relatedTarget instanceof Node && !more.parentElement?.contains(relatedTarget)) unfold(false);
  });

  return {
    element,
    /**
     * @param {string} name
     * @param {boolean} wanted
     */
    showTab(name, wanted) {
      const each = tabs.get(name);
      const hidden = !(wanted || route.now.tab === name);
      if (!each || each.hidden === hidden) return;
      each.hidden = hidden;
      arrange();
    },
    /**
     * A number beside the title of a tab; none, when it is null.
     * @param {string} name
     * @param {number | null} amount
     */
    showCount(name, amount) {
      const count = counts.get(name);
      const text = amount === null ? '' : number(amount);
      if (!count || count.textContent === text) return;
      setText(count, text);
      if (text) tabs.get(name)?.append(count);
      else count.remove();
      arrange();
    },
    /** @param {string} name */
    select(name) {
      chosen = name;
      for (const [each, it] of tabs) setAttribute(it, 'aria-selected', String(each === name));
      tabs.get(name)?.removeAttribute('hidden');
      // Its name may stand on the button, which is wider then.
      arrange();
    },
  };
}
