// The frame of the page: head, overview, tabs, and what each tab shows.

import { h, setAttribute } from './dom.js';
import { alerts, titleMark } from './attention.js';
import { address } from './api.js';
import { banner, liveMark } from './banner.js';
import { bulkTools } from './bulk.js';
import { pageHead } from './head.js';
import { CameraList } from './list.js';
import { clearFilters, hasFilters, listSummary, toolbar } from './toolbar.js';
import { Drawer } from './drawer.js';
import { emptyState } from './empty.js';
import { question } from './filters.js';
import { lastLook } from './seen.js';
import { noticeRegion } from './notice.js';
import { overview } from './overview.js';

const NARROW = window.matchMedia('(max-width: 74.99em)');

export class Shell {
  /**
   * @param {{
   *   store: Store, route: Route, connection: Connection, panels: PanelMakers,
   *   onLogin: () => void, onLogout: () => void,
   * }} parts
   */
  constructor({ store, route, connection, panels, onLogin, onLogout }) {
    this.store = store;
    this.route = route;
    this.connection = connection;
    this.mark = liveMark(connection);
    this.head = pageHead({ route, live: this.mark.element, onLogin, onLogout });
    this.banner = banner(connection, store);
    this.overview = overview(route);
    this.summary = listSummary();
    this.alerts = alerts(store);
    this.markTitle = titleMark();
    this.lastLook = lastLook(() => this.list.refresh());
    this.tools = bulkTools({
      ids: () => this.list.shown.map(({ id }) => id),
      address: () => address('api/cameras.csv', question(route.now)).href,
    });
    this.toolbar = toolbar({
      store,
      route,
      summary: this.summary.element,
      alerts: this.alerts.element,
      tools: this.tools.elements,
    });
    this.empty = emptyState(() => clearFilters(route));
    this.list = new CameraList({
      store,
      route,
      isNew: this.lastLook.isNew,
      onOpen: (id, how) => this.#open(id, how),
      onArranged: (found) => this.#arranged(found),
    });
    this.drawer = new Drawer({ store, onClose: () => this.#close() });
    /** @type {Record<string, Panel>} */
    this.panels = {
      cameras: {
        element: h(
          'div',
          { class: 'panel cameras' },
          this.toolbar.element,
          this.lastLook.element,
          this.list.element,
          this.empty.element,
        ),
      },
      ...Object.fromEntries(Object.entries(panels).map(([id, make]) => [id, make(this.#parts(id))])),
    };
    for (const [name, panel] of Object.entries(this.panels)) {
      for (const [attribute, value] of Object.entries({
        role: 'tabpanel',
        id: `panel-${name}`,
        'aria-labelledby': `tab-${name}`,
      }))
        panel.element.setAttribute(attribute, value);
    }
    this.main = h(
      'main',
      {},
      this.banner.element,
      this.overview.element,
      Object.values(this.panels).map((panel) => panel.element),
    );
    this.element = h('div', { class: 'shell' }, this.head.element, this.main, this.drawer.element, noticeRegion());
    document.addEventListener('keydown', (event) => this.#press(event));
    NARROW.addEventListener('change', () => this.#cover());
    this.showRoute(route.now, null);
  }

  /**
   * What a panel is made of.
   * @param {string} id
   * @returns {PanelParts}
   */
  #parts(id) {
    return {
      store: this.store,
      route: this.route,
      appear: (shown) => this.head.showTab(id, shown),
      count: (amount) => this.head.showCount(id, amount),
    };
  }

  /** There is access: panels that fetch for themselves may. */
  begin() {
    for (const panel of Object.values(this.panels)) panel.begin?.();
    this.#showTab(this.route.now.tab, true);
    this.drawer.refetch();
  }

  /** @param {Session | null} session */
  showSession(session) {
    this.head.showSession(session);
    for (const panel of Object.values(this.panels)) panel.session?.(session);
    // Who is logged in and may not act will not by logging in again.
    const may = session?.may_write ?? true;
    const known = session?.authenticated ?? false;
    this.#allow({ session: may || known, role: may || !known });
  }

  /** @param {{ connection?: boolean, session?: boolean, role?: boolean }} given */
  #allow(given) {
    this.drawer.allow(given);
    this.tools.allow(given);
  }

  showConnection() {
    const lost = this.connection.state === 'lost';
    this.element.dataset.stale = String(lost);
    this.#allow({ connection: !lost });
    this.banner.update();
    this.mark.update();
  }

  /**
   * New data.
   * @param {Change} change
   */
  show(change) {
    const { store } = this;
    if (change.status || change.host) this.overview.update(store);
    if (change.status && store.status) {
      this.head.showStatus(store.status);
      this.markTitle(store.status.health.down ?? 0);
    }
    if (change.structure || change.values) this.toolbar.update();
    if (change.cameras.size || change.structure || change.incidents)
      this.list.refresh({ now: change.structure, changed: change.cameras });
    if ((change.cameras.size || change.incidents) && store.filled) this.alerts.update();
    this.drawer.show(change);
    for (const panel of Object.values(this.panels)) panel.show?.(change);
    this.showConnection();
  }

  /**
   * Another view is asked for.
   * @param {View} now
   * @param {View | null} before
   */
  showRoute(now, before) {
    this.overview.update(this.store);
    this.toolbar.update();
    this.#showTab(now.tab, before?.tab !== now.tab);
    this.panels[now.tab].view?.(now);
    if (before && before.stills !== now.stills) this.list.rebuild();
    const { camera: _, ...view } = now;
    const { camera: __, ...viewBefore } = before ?? {};
    if (JSON.stringify(view) === JSON.stringify(viewBefore)) this.list.redraw();
    else this.list.refresh();
    if (now.camera !== (before?.camera ?? null)) this.drawer.open(now.camera);
    this.#cover();
  }

  /**
   * @param {string} tab
   * @param {boolean} changed
   */
  #showTab(tab, changed) {
    this.head.select(tab);
    this.main.dataset.tab = tab;
    for (const [name, panel] of Object.entries(this.panels)) {
      panel.element.hidden = name !== tab;
      if (changed && name === tab) panel.enter?.();
      if (changed && name !== tab) panel.leave?.();
    }
  }

  /** @param {Arranged} found */
  #arranged(found) {
    this.summary.update(found);
    this.tools.update(found.shown);
    this.lastLook.update(found.order);
    const { filled } = this.store;
    const kind = !filled ? 'waiting' : found.total === 0 ? 'none' : found.shown === 0 ? 'nomatch' : null;
    this.empty.update(kind, hasFilters(this.route.now));
    this.list.element.hidden = kind !== null;
  }

  /** @type {Opening} */
  #open(id, { enter = false }) {
    this.route.change({ camera: id }, { step: this.route.now.camera === null });
    if (enter || NARROW.matches) this.drawer.focus();
  }

  #close() {
    this.route.change({ camera: null });
    if (this.route.now.tab === 'cameras') this.list.element.focus({ preventScroll: true });
  }

  /** On narrow screens the drawer covers everything: what is below must not take the focus. */
  #cover() {
    const open = this.route.now.camera !== null;
    document.body.classList.toggle('has-drawer', open);
    this.main.inert = open && NARROW.matches;
    setAttribute(this.head.element, 'inert', open && NARROW.matches ? '' : null);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.defaultPrevented || document.querySelector('dialog[open]') || this.element.hidden) return;
    const typing = event.target instanceof Element && event.target.matches('input, textarea, select');
    if (event.key === 'Escape') {
      if (this.route.now.camera !== null) this.drawer.close();
      else if (this.route.now.q) this.route.change({ q: '' }, { step: true });
      else return;
    } else if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      this.route.change({ tab: 'cameras' });
      this.toolbar.focus();
    } else return;
    event.preventDefault();
  }
}
