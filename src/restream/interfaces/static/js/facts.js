// What is known of a camera: media, server side, process, addresses, command, last words of ffmpeg.

import { copyText, h, memo, webAddress } from './dom.js';
import { bitrate, bytes, milliseconds, number, percent } from './format.js';
import { hoursText } from './hours.js';
import { t } from './i18n.js';
import { icon } from './icons.js';

/** @typedef {NonNullable<CameraDetails['media']>} Media */

/**
 * @param {string} name
 * @param {...Child} children
 */
export function section(name, ...children) {
  return h(
    'section',
    { class: `details ${name}`, 'aria-label': t(`drawer.${name}`) },
    h('h3', {}, t(`drawer.${name}`)),
    ...children,
  );
}

/**
 * @param {string} text
 * @param {string} label
 */
function copyButton(text, label) {
  const said = h('span', { class: 'copied', role: 'status' });
  const attributes = { type: 'button', class: 'plain copy', 'aria-label': label, title: label };
  const control = h('button', attributes, icon('copy'), said);
  control.addEventListener('click', async () => {
    said.textContent = t((await copyText(text)) ? 'copy.done' : 'copy.failed');
    setTimeout(() => (said.textContent = ''), 2000);
  });
  return control;
}

/** @param {Media["video"]} video */
function videoText(video) {
  const size = video.width && video.height ? `${video.width} × ${video.height}` : '';
  const rate = video.fps ? t('media.fps', { fps: number(video.fps, 2) }) : '';
  return [video.codec, size, rate, video.profile].filter(Boolean).join(' · ');
}

/** @param {NonNullable<Media["audio"]>} audio */
function audioText(audio) {
  const rate = audio.sample_rate_hz ? t('media.hertz', { rate: number(audio.sample_rate_hz) }) : '';
  const channels = audio.channels ? t('media.channels', { count: audio.channels }) : '';
  return [audio.codec, rate, channels].filter(Boolean).join(' · ');
}

/**
 * @param {CameraDetails} details
 * @returns {[string, string][]}
 */
function knownFacts({
  media,
  row,
  server,
  process,
  pid,
  path,
  engine,
  media_server: mediaServer,
  parent,
  restarts,
  failures,
  bitrate_bps: rate,
  readers,
  rtt_ms: rtt,
  loss_ratio: loss,
}) {
  const publisher = server?.publisher ?? server?.srt;
  // Those that are told in words are left out.
  const { parent: _, schedule, ...options } = row?.options ?? {};
  /** @type {[string, string | null | undefined][]} */
  const found = [
    ['video', media?.video && videoText(media.video)],
    ['audio', media ? (media.audio ? audioText(media.audio) : t('media.silent')) : null],
    ['bitrate', rate === null ? null : bitrate(rate)],
    ['readers', readers === null ? null : number(readers)],
    ['rtt', rtt === null ? null : milliseconds(rtt)],
    ['loss', loss === null ? null : percent(loss, 2)],
    ['received', server?.path?.inbound_bytes ? bytes(server.path.inbound_bytes) : null],
    ['publisher', publisher?.remote_address],
    ['engine', engine],
    ['server', mediaServer === 'default' ? null : mediaServer],
    ['restarts', number(restarts)],
    ['failures', failures ? number(failures) : null],
    [
      'process',
      process
        ? t('process.text', {
            pid: String(pid),
            cpu: percent(process.cpu_percent / 100, 0),
            memory: bytes(process.rss_bytes),
          })
        : null,
    ],
    ['source', row?.source],
    ['path', path],
    ['parent', parent],
    ['schedule', hoursText(schedule)],
    ['options', Object.keys(options).length ? JSON.stringify(options) : null],
  ];
  return found.flatMap(([name, value]) => (value ? [[name, value]] : []));
}

export function factsSection() {
  const list = h('dl', { class: 'facts' });
  const show = memo(list);
  return {
    element: section('media', list),
    /** @param {CameraDetails} details */
    show(details) {
      const found = knownFacts(details);
      show(found, () =>
        found.map(([name, value]) => h('div', {}, h('dt', {}, t(`media.${name}`)), h('dd', {}, h('bdi', {}, value)))),
      );
    },
  };
}

export function playersSection() {
  const list = h('ul', { class: 'addresses' });
  const show = memo(list);
  const element = section('players', list);
  /** @param {[string, string]} player */
  const item = ([kind, address]) => {
    const link = webAddress(address);
    const name = kind.toUpperCase();
    return h(
      'li',
      {},
      h('span', { class: 'kind' }, name),
      h('code', {}, address),
      copyButton(address, t('copy.address', { kind: name })),
      link
        ? h(
            'a',
            {
              class: 'plain',
              href: link,
              target: '_blank',
              rel: 'noopener noreferrer',
              title: t('player.open'),
              'aria-label': `${t('player.open')}: ${name}`,
            },
            icon('external'),
          )
        : null,
    );
  };
  return {
    element,
    /** @param {CameraDetails} details */
    show({ players }) {
      /** @type {[string, string][]} */
      const known = Object.entries(players ?? {}).flatMap(([kind, address]) => (address ? [[kind, address]] : []));
      element.hidden = known.length === 0;
      show(known, () => known.map(item));
    },
  };
}

/**
 * As it could be typed into a shell.
 * @param {string[]} argv
 */
export function shellLine(argv) {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

export function commandSection() {
  const box = h('div');
  const show = memo(box);
  const element = section('command', box);
  return {
    element,
    /** @param {CameraDetails} details */
    show({ command, command_stdin: stdin, command_reasons: reasons }) {
      element.hidden = !command;
      if (!command) return;
      show([command, stdin, reasons], () => [
        h(
          'div',
          { class: 'code-box' },
          h('pre', { tabindex: '0', role: 'group', 'aria-label': t('drawer.command') }, shellLine(command)),
          copyButton(shellLine(command), t('copy.command')),
        ),
        stdin ? h('p', { class: 'note' }, t('command.stdin')) : null,
        stdin ? h('pre', { tabindex: '0', role: 'group', 'aria-label': t('command.stdin') }, stdin) : null,
        reasons?.length
          ? h(
              'ul',
              { class: 'command-reasons' },
              reasons.map((reason) => h('li', {}, reason)),
            )
          : null,
      ]);
    },
  };
}

export function stderrSection() {
  const box = h('div');
  const show = memo(box);
  const element = section('stderr', box);
  return {
    element,
    /** @param {CameraDetails} details */
    show({ stderr_tail: lines }) {
      element.hidden = !lines?.length;
      if (element.hidden) return;
      show(lines, () =>
        h(
          'div',
          { class: 'code-box' },
          h('pre', { tabindex: '0', role: 'group', 'aria-label': t('drawer.stderr') }, lines.join('\n')),
          copyButton(lines.join('\n'), t('copy.lines')),
        ),
      );
    },
  };
}
