// The panels beside the list of cameras, in the order of the menu, in which the last ones go below "More" where there is
// no room: the one place that knows which there are.

/**
 * `id`: of the tab, in the address (`#tab=id`); its title is the text `tab.id`.
 * `module`: has a function `panel` that makes it of its parts.
 * `keys`: the values of the address that are its own, written while it is shown (`#tab=id&key=…`).
 * `optional`: its tab is shown once the panel says that there is something in it.
 * @typedef {object} PanelEntry
 * @property {string} id
 * @property {() => Promise<{ panel: (parts: PanelParts) => Panel }>} module
 * @property {string[]} [keys]
 * @property {boolean} [optional]
 */

/** @type {PanelEntry[]} */
export const PANELS = [
  { id: 'incidents', module: () => import('./incidentpanel.js'), keys: ['incident'] },
  { id: 'wall', module: () => import('./wall.js'), keys: ['page', 'size', 'show', 'every', 'kiosk'] },
  { id: 'events', module: () => import('./events.js'), keys: ['kind'] },
  { id: 'maintenance', module: () => import('./maintenance.js') },
  { id: 'report', module: () => import('./report.js'), keys: ['range', 'from', 'to', 'only'] },
  { id: 'alerts', module: () => import('./alertpanel.js'), optional: true },
  { id: 'unmanaged', module: () => import('./unmanaged.js') },
  { id: 'nodes', module: () => import('./nodes.js'), optional: true },
  { id: 'visionaire', module: () => import('./visionaire.js'), optional: true },
  { id: 'audit', module: () => import('./audit.js'), optional: true },
  { id: 'rows', module: () => import('./rows.js'), optional: true },
  { id: 'host', module: () => import('./hostpanel.js') },
];

/**
 * Their modules, loaded; fails when one does not come.
 * @returns {Promise<PanelMakers>}
 */
export async function loadPanels() {
  const loaded = await Promise.all(PANELS.map(({ module }) => module()));
  return Object.fromEntries(PANELS.map(({ id }, position) => [id, loaded[position].panel]));
}
