// Maintenance windows: those that are announced, and a form for a new one.

import { h, setText } from './dom.js';
import { api } from './api.js';
import { full } from './format.js';
import { explain, fetchingPanel } from './panel.js';
import { notify } from './notice.js';
import { table } from './table.js';
import { remember, remembered, t } from './i18n.js';

const EVERY_S = 10;
const WHO = 'restream.who';

/**
 * @param {PanelParts} parts
 * @returns {Panel}
 */
export function panel({ store, count }) {
  let mayAct = true;
  const kept = h('p', { class: 'note', hidden: true }, t('maintenance.unkept'));
  const windows = table(
    t('tab.maintenance'),
    [
      { label: t('maintenance.title'), cell: (row) => row.title || '–' },
      { label: t('maintenance.when'), cell: (row) => when(row) },
      { label: t('maintenance.whom'), cell: (row) => whom(row) },
      { label: t('maintenance.who'), cell: (row) => row.who || '–' },
      { label: t('maintenance.end'), unseen: true, cell: (row) => ending(row) },
    ],
    t('maintenance.none'),
  );
  const form = newWindow({ store, done: () => made.enter() });
  const made = fetchingPanel({
    name: 'maintenance',
    everyS: EVERY_S,
    load: api.maintenance,
    show: (found) => {
      kept.hidden = found.kept;
      count(found.windows.filter((each) => each.open).length || null);
      windows.show(found.windows);
    },
    children: [h('p', { class: 'note' }, t('maintenance.text')), kept, windows.element, form.element],
  });
  /** @param {MaintenanceWindow} row */
  function ending(row) {
    const end = async () => {
      try {
        await api.endMaintenance(row.id);
        notify(t('maintenance.ended'));
      } catch (problem) {
        notify(t('action.failed', { error: explain(problem) }), 'failed');
      }
      made.enter();
    };
    return mayAct ? h('button', { type: 'button', onclick: end }, t('maintenance.end')) : null;
  }
  return {
    ...made,
    session(session) {
      mayAct = session?.may_write ?? true;
      form.allow(mayAct, Boolean(session?.sites));
    },
  };
}

/** @param {MaintenanceWindow} row */
function when(row) {
  const span = `${full(row.next_begin)} – ${row.next_end ? full(row.next_end) : '…'}`;
  const now = row.open ? `${t('maintenance.now')}: ` : '';
  return now + (row.cron ? `${span} (${row.cron}, ${row.zone})` : span);
}

/** @param {MaintenanceWindow} row */
function whom({ cameras, sites, servers }) {
  const told = [
    cameras.length ? `${t('maintenance.cameras')}: ${cameras.join(', ')}` : '',
    sites.length ? `${t('maintenance.sites')}: ${sites.join(', ')}` : '',
    servers.length ? `${t('maintenance.servers')}: ${servers.join(', ')}` : '',
  ].filter(Boolean);
  return told.join(' · ') || t('maintenance.everything');
}

/** @param {FormDataEntryValue | null} text */
const names = (text) =>
  String(text ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
/** @param {FormDataEntryValue | null} text of a field for a moment, in the time zone of the browser */
const moment = (text) => (text ? new Date(String(text)).toISOString() : null);

/** @param {{ store: Store, done: () => void }} parts */
function newWindow({ store, done }) {
  const error = h('p', { class: 'error', role: 'alert' });
  /**
   * @param {string} name
   * @param {string} label
   * @param {Attributes} attributes
   */
  const field = (name, label, attributes = {}) =>
    h('label', { class: 'field' }, h('span', {}, label), h('input', { name, autocomplete: 'off', ...attributes }));
  const sites = h('datalist', { id: 'maintenance-sites' });
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const form = h(
    'form',
    { class: 'maintenance-form', 'aria-label': t('maintenance.new') },
    h('h3', {}, t('maintenance.new')),
    field('title', t('maintenance.title'), { maxlength: 120 }),
    field('sites', t('maintenance.sites'), { list: 'maintenance-sites', placeholder: t('maintenance.several') }),
    field('cameras', t('maintenance.cameras.ids'), { placeholder: t('maintenance.several') }),
    field('servers', t('maintenance.servers'), { placeholder: t('maintenance.several') }),
    h(
      'label',
      { class: 'check' },
      h('input', { type: 'checkbox', name: 'everything' }),
      ` ${t('maintenance.everything')}`,
    ),
    field('begin', t('maintenance.begin'), { type: 'datetime-local' }),
    field('end', t('maintenance.until'), { type: 'datetime-local' }),
    field('cron', t('maintenance.cron'), { placeholder: '0 2 * * 0' }),
    field('hours', t('maintenance.hours'), { type: 'number', min: 0.1, max: 744, step: 'any' }),
    field('who', t('deed.who'), { maxlength: 100, autocomplete: 'name', value: remembered(WHO) ?? '' }),
    h('div', { class: 'buttons' }, h('button', { class: 'primary' }, t('maintenance.make'))),
    error,
    sites,
  );
  form.addEventListener('focusin', () => {
    sites.replaceChildren(...[...store.values.site.keys()].map((value) => h('option', { value })));
  });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const given = new FormData(form);
    const who = String(given.get('who') ?? '').trim();
    remember(WHO, who || null);
    const cron = String(given.get('cron') ?? '').trim();
    try {
      await api.planMaintenance({
        title: String(given.get('title') ?? ''),
        begin: moment(given.get('begin')),
        end: moment(given.get('end')),
        ...(cron ? { cron, duration_s: Number(given.get('hours')) * 3600, zone } : {}),
        ...{ sites: names(given.get('sites')), cameras: names(given.get('cameras')) },
        ...{ servers: names(given.get('servers')), everything: given.has('everything'), who },
      });
      setText(error, '');
      form.reset();
      notify(t('maintenance.made'));
      done();
    } catch (problem) {
      setText(error, explain(problem));
    }
  });
  return {
    element: form,
    /**
     * @param {boolean} may
     * @param {boolean} confined sees some sites alone, and plans nothing for others
     */
    allow(may, confined) {
      form.hidden = !may;
      for (const name of ['servers', 'everything'])
        form.querySelector(`[name="${name}"]`)?.closest('label')?.toggleAttribute('hidden', confined);
    },
  };
}
