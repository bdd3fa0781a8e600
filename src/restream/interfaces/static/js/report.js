// How available cameras were in a range of time: by site, cause and camera, to read, print and take along.

import { h, memo } from './dom.js';
import { address, api } from './api.js';
import { dateTime, duration, number, uptime } from './format.js';
import { fetchingPanel } from './panel.js';
import { causeTitle } from './reasons.js';
import { table } from './table.js';
import { language, t, word } from './i18n.js';

// A range that goes on is read again from time to time.
const EVERY_S = 300;
const MOST_CAMERAS = 200;
const FILES = ['csv', 'xlsx', 'pdf', 'json'];
/** @type {Record<string, Record<string, string>>} */
const RANGES = {
  month: { month: 'this' },
  lastmonth: { month: 'last' },
  week: { week: 'this' },
  lastweek: { week: 'last' },
  today: { day: 'today' },
  yesterday: { day: 'yesterday' },
};
const OWN = 'own';

/**
 * What is asked of the service for what the address says.
 * @param {Record<string, string> | undefined} own
 * @returns {Record<string, string>}
 */
export function asked(own = {}) {
  /** @type {Record<string, string>} */
  const site = own.only ? { site: own.only } : {};
  const day = /^\d{4}-\d{2}-\d{2}$/;
  if (day.test(own.from ?? '')) {
    return { from: own.from, ...(day.test(own.to ?? '') ? { to: own.to } : {}), ...site };
  }
  const range = Object.hasOwn(RANGES, own.range ?? '') ? own.range : 'month';
  return { ...RANGES[range], ...site };
}

/**
 * @template {{ figures: AvailabilityReport['total'] }} Row
 * @returns {Column<Row>[]}
 */
function figures() {
  const time = (/** @type {Amount} */ seconds) => (seconds ? duration(seconds) : '–');
  return [
    { label: t('report.column.availability'), numeric: true, cell: (row) => uptime(row.figures.availability) },
    { label: t('report.column.down'), numeric: true, cell: (row) => time(row.figures.down_s) },
    { label: t('report.column.outages'), numeric: true, cell: (row) => number(row.figures.outages) },
    { label: t('report.column.longest'), numeric: true, cell: (row) => time(row.figures.longest_s) },
    { label: t('report.column.repair'), numeric: true, cell: (row) => time(row.figures.repair_mean_s) },
    { label: t('report.column.planned'), numeric: true, cell: (row) => time(row.figures.planned_s) },
    { label: t('report.column.disabled'), numeric: true, cell: (row) => time(row.figures.disabled_s) },
    { label: t('report.column.unknown'), numeric: true, cell: (row) => time(row.figures.unknown_s) },
  ];
}

/**
 * @param {PanelParts} parts
 * @returns {Panel}
 */
export function panel({ route }) {
  const own = () => (route.now.tab === 'report' ? (route.now.own ?? {}) : {});
  /** @param {Record<string, string>} values */
  const change = (values) => route.change({ own: { ...own(), ...values } }, { step: true });
  const form = controls(change);
  const about = h('p', { class: 'note', role: 'status' });
  /** @type {Column<{ figures: AvailabilityReport['total'] }>[]} */
  const sums = figures();
  const total = table(t('report.sheet.all'), sums, t('report.none'));
  const sites = table(t('report.sheet.sites'), [siteColumn(change), camerasColumn(), ...figures()], t('report.none'));
  const causes = causesTable();
  const worst = table(t('report.sheet.worst'), [...cameraColumns(route), ...figures()], t('report.worst.none'));
  const cameras = table(t('report.sheet.cameras'), [...cameraColumns(route), ...figures()], t('report.none'));
  const more = h('p', { class: 'note' });
  const method = h('ul', { class: 'report-method' });
  const showMethod = memo(method);
  /** @param {AvailabilityReport} report */
  const show = (report) => {
    form.show(own());
    about.textContent = t('report.range', {
      begin: dateTime(report.begin, report.zone),
      end: dateTime(report.end, report.zone),
      zone: report.zone,
    });
    const byId = new Map(report.cameras.map((camera) => [camera.camera, camera]));
    total.show(report.cameras.length ? [{ figures: report.total }] : []);
    sites.show(report.sites);
    causes.show(report.causes);
    worst.show(report.worst.flatMap((id) => byId.get(id) ?? []));
    cameras.show(report.cameras.slice(0, MOST_CAMERAS));
    const left = report.cameras.length - MOST_CAMERAS;
    more.textContent = left > 0 ? t('report.more', { left }) : '';
    showMethod(report.method, () => report.method.map((line) => h('li', {}, line)));
    told.hidden = false;
  };
  const section = (/** @type {string} */ name, /** @type {Child[]} */ ...parts) =>
    h('section', {}, h('h3', {}, t(`report.sheet.${name}`)), ...parts);
  const told = h(
    'div',
    { hidden: true },
    section('all', total.element),
    section('sites', sites.element),
    section('causes', causes.element),
    section('worst', worst.element),
    section('cameras', cameras.element, more),
    section('about', method),
  );
  const fetching = fetchingPanel({
    name: 'report',
    everyS: EVERY_S,
    load: (signal) => api.report({ ...asked(own()), language }, signal),
    show,
    children: [form.element, about, told],
  });
  let shown = '';
  return {
    ...fetching,
    enter() {
      shown = JSON.stringify(asked(own()));
      form.show(own());
      fetching.enter();
    },
    view() {
      if (fetching.element.hidden || JSON.stringify(asked(own())) === shown) return;
      shown = JSON.stringify(asked(own()));
      form.show(own());
      fetching.enter();
    },
  };
}

/** @param {(values: Record<string, string>) => void} change */
function controls(change) {
  const ranges = [...Object.keys(RANGES), OWN];
  const option = (/** @type {string} */ name) => h('option', { value: name }, t(`report.range.${name}`));
  const select = h('select', { onchange: () => choose() }, ranges.map(option));
  const dated = () => change({ from: begin.value, to: end.value });
  /** @type {HTMLInputElement} */
  const begin = h('input', { type: 'date', onchange: () => dated() });
  /** @type {HTMLInputElement} */
  const end = h('input', { type: 'date', onchange: () => dated() });
  const dates = h('span', { class: 'report-dates' }, labelled('report.from', begin), labelled('report.to', end));
  const site = h('button', { type: 'button', class: 'toggle', onclick: () => change({ only: '' }) });
  const links = FILES.map((form) => h('a', { class: 'button', download: '' }, form.toUpperCase()));
  const print = h('button', { type: 'button', onclick: () => window.print() }, t('report.print'));
  const choose = () => {
    dates.hidden = select.value !== OWN;
    if (select.value !== OWN) change({ range: select.value === 'month' ? '' : select.value, from: '', to: '' });
    else begin.focus();
  };
  const element = h(
    'div',
    { class: 'toolbar report-tools', role: 'group', 'aria-label': t('tab.report') },
    labelled('report.range.label', select),
    dates,
    site,
    h('span', { class: 'report-files' }, links, print),
  );
  return {
    element,
    /** @param {Record<string, string>} own */
    show(own) {
      const parameters = asked(own);
      const free = 'from' in parameters;
      select.value = free ? OWN : Object.hasOwn(RANGES, own.range ?? '') ? own.range : 'month';
      dates.hidden = !free;
      if (free) [begin.value, end.value] = [parameters.from, parameters.to ?? ''];
      site.hidden = !own.only;
      site.textContent = t('report.all', { site: own.only ?? '' });
      links.forEach((link, position) => {
        link.href = address('api/report', { ...parameters, language, format: FILES[position] }).href;
      });
    },
  };
}

/**
 * @param {string} key
 * @param {HTMLElement} control
 */
function labelled(key, control) {
  return h('label', {}, h('span', {}, t(key)), ' ', control);
}

/**
 * @param {(values: Record<string, string>) => void} change
 * @returns {Column<SiteOfReport>}
 */
function siteColumn(change) {
  return {
    label: t('report.column.site'),
    cell: ({ site }) =>
      site
        ? h('button', { type: 'button', class: 'link', onclick: () => change({ only: site }) }, h('bdi', {}, site))
        : t('report.site.none'),
  };
}

/**
 * @template {{ cameras: number }} Row
 * @returns {Column<Row>}
 */
function camerasColumn() {
  return { label: t('report.column.cameras'), numeric: true, cell: (row) => number(row.cameras) };
}

function causesTable() {
  /** @type {Column<CauseOfReport>[]} */
  const columns = [
    { label: t('report.column.cause'), cell: (row) => causeTitle(row.cause) },
    { label: t('report.column.side'), cell: (row) => word('fault', row.side) },
    { label: t('report.column.down'), numeric: true, cell: (row) => duration(row.down_s) },
    { label: t('report.column.outages'), numeric: true, cell: (row) => number(row.outages) },
    camerasColumn(),
  ];
  return table(t('report.sheet.causes'), columns, t('report.worst.none'));
}

/**
 * @param {Route} route
 * @returns {Column<CameraOfReport>[]}
 */
function cameraColumns(route) {
  const open = (/** @type {string} */ id) => route.change({ camera: id }, { step: true });
  return [
    {
      label: t('report.column.camera'),
      cell: (row) =>
        h('button', { type: 'button', class: 'link', onclick: () => open(row.camera) }, h('bdi', {}, row.camera)),
    },
    { label: t('report.column.name'), cell: (row) => row.name },
    { label: t('report.column.site'), cell: (row) => row.site || t('report.site.none') },
  ];
}
