// The host of the service, in figures.

import { h, memo } from './dom.js';
import { bitrate, bytes, celsius, number, percent } from './format.js';
import { meter } from './gauges.js';
import { table } from './table.js';
import { t } from './i18n.js';

/** @param {Amount} value */
const share = (value) => percent((value ?? 0) / 100, 0);

/**
 * @param {PanelParts} parts
 * @returns {Panel}
 */
export function panel({ store }) {
  const meters = h('ul', { class: 'gauges large' });
  const showMeters = memo(meters);
  const facts = h('dl', { class: 'facts' });
  const showFacts = memo(facts);
  const network = table(
    t('host.network'),
    [
      { label: t('host.interface'), cell: (row) => row.interface },
      { label: t('host.received'), numeric: true, cell: (row) => bitrate(row.received_bps) },
      { label: t('host.sent'), numeric: true, cell: (row) => bitrate(row.sent_bps) },
      { label: t('host.errors'), numeric: true, cell: (row) => number(row.errors) },
      { label: t('host.drops'), numeric: true, cell: (row) => number(row.drops) },
    ],
    t('empty.waiting'),
  );
  const waiting = h('p', { class: 'nothing' }, t('empty.waiting'));
  const content = h(
    'div',
    { class: 'host-content', hidden: true },
    meters,
    facts,
    h('h3', {}, t('host.network')),
    network.element,
  );
  const element = h(
    'div',
    { class: 'panel host', hidden: true },
    h('h2', { class: 'visually-hidden' }, t('tab.host')),
    waiting,
    content,
  );
  const show = () => {
    const { host } = store;
    if (!host || element.hidden) return;
    waiting.hidden = true;
    content.hidden = false;
    const found = bars(host);
    showMeters(found, () =>
      found.map(({ label, ratio, text, note }) => {
        const each = meter(label);
        each.show(ratio, text, note);
        return each.element;
      }),
    );
    const known = figures(host);
    showFacts(known, () => known.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
    network.show(host.network ?? []);
  };
  return { element, show: ({ host }) => host && show(), enter: show };
}

/**
 * @param {Host} host
 * @returns {{ label: string, ratio: number, text: string, note?: string }[]}
 */
function bars(host) {
  /** @param {{ used_bytes: number, total_bytes: number, percent: number }} space */
  const used = ({ used_bytes: used_, total_bytes: total, percent: part }) =>
    t('host.used', { part: share(part), used: bytes(used_), total: bytes(total) });
  return [
    { label: t('host.cpu'), ratio: (host.cpu_percent ?? 0) / 100, text: share(host.cpu_percent) },
    ...Object.entries({ memory: host.memory, swap: host.swap })
      .filter(([, space]) => space?.total_bytes)
      .map(([name, space]) => ({ label: t(`host.${name}`), ratio: space.percent / 100, text: used(space) })),
    ...(host.disks ?? []).map((disk) => ({
      label: t('host.mount', { mount: disk.mount }),
      ratio: disk.percent / 100,
      text: used(disk),
    })),
    ...(host.temperatures ?? []).map((each) => ({
      label: each.sensor,
      ratio: each.celsius / (each.high_celsius ?? 100),
      text: celsius(each.celsius),
      note: each.high_celsius ? t('host.high', { limit: celsius(each.high_celsius) }) : '',
    })),
  ];
}

/** @param {Host} host */
function figures({ cores, load, publishers, service }) {
  const found = [[t('host.processors'), number(cores)]];
  if (load) found.push([t('host.load'), load.map((value) => number(value, 2)).join(' · ')]);
  if (publishers) {
    found.push([t('host.publishers'), number(publishers.processes)]);
    found.push(
      [t('host.publishers.cpu'), percent((publishers.cpu_percent ?? 0) / 100, 0)],
      [t('host.publishers.memory'), bytes(publishers.rss_bytes)],
    );
  }
  if (service) {
    found.push(
      [t('host.service.cpu'), percent((service.cpu_percent ?? 0) / 100, 1)],
      [t('host.service.memory'), bytes(service.rss_bytes)],
    );
    found.push([t('host.service.files'), number(service.open_files)]);
  }
  return found;
}
