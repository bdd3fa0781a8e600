// What is done about an incident: a question each, with who does it, and what came of it.

import { h } from './dom.js';
import { api } from './api.js';
import { ACTIONS } from './actions.js';
import { incidentTitle } from './incidents.js';
import { explain } from './panel.js';
import { notify } from './notice.js';
import { serverNow } from './clock.js';
import { remember, remembered, t } from './i18n.js';
import { icon } from './icons.js';

/**
 * @typedef {object} IncidentDeeds
 * @property {(incident: OpenIncident, name: IncidentDeed) => Promise<void>} ask
 * @property {(incident: OpenIncident) => Promise<void>} actOnAll
 */

const WHO = 'restream.who';
const HOURS = [1, 4, 8, 24, 72];

/**
 * A modal question with fields; resolves to what was entered, or null.
 * @param {string} title
 * @param {Child[]} fields
 * @param {string} yes
 * @returns {Promise<FormData | null>}
 */
function asked(title, fields, yes) {
  return new Promise((resolve) => {
    const form = h(
      'form',
      { method: 'dialog' },
      h('h2', { id: 'deed-title' }, title),
      ...fields,
      h(
        'div',
        { class: 'buttons' },
        h('button', { value: '', formnovalidate: true }, t('dialog.cancel')),
        h('button', { value: 'yes', class: 'primary' }, yes),
      ),
    );
    const dialog = h('dialog', { class: 'confirm deed', 'aria-labelledby': 'deed-title' }, form);
    dialog.addEventListener('close', () => {
      const given = dialog.returnValue === 'yes' ? new FormData(form) : null;
      dialog.remove();
      resolve(given);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** @param {string} label @param {Child} field */
const labelled = (label, field) => h('label', { class: 'field' }, h('span', {}, label), field);
const option = (/** @type {string} */ value, /** @type {string} */ text) => h('option', { value }, text);

/**
 * @param {{ store: Store, done: (incident: OpenIncident) => void }} parts
 * @returns {IncidentDeeds}
 */
export function incidentDeeds({ store, done }) {
  return {
    async ask(incident, name) {
      const text = h('input', { name: 'text', maxlength: 300, autocomplete: 'off', required: name === 'note' });
      const who = h('input', { name: 'who', maxlength: 100, autocomplete: 'name', value: remembered(WHO) ?? '' });
      const hours = h(
        'select',
        { name: 'hours' },
        HOURS.map((each) => option(String(each), t('deed.hours', { count: each }))),
      );
      const fields = [
        h('p', {}, incidentTitle(incident, store.records)),
        name === 'snooze' ? labelled(t('deed.until'), hours) : null,
        labelled(t(name === 'note' ? 'deed.text' : 'deed.remark'), text),
        labelled(t('deed.who'), who),
      ];
      const given = await asked(t(`deed.${name}`), fields, t(`deed.${name}`));
      if (!given) return;
      const signed = String(given.get('who') ?? '').trim();
      remember(WHO, signed || null);
      /** @type {IncidentDeedBody} */
      const body = { who: signed, text: String(given.get('text') ?? '') };
      if (name === 'snooze') body.until = new Date(serverNow() + Number(given.get('hours')) * 3_600_000).toISOString();
      try {
        done(await api.incidentDeed(incident.id, name, body));
        notify(t('deed.done'));
      } catch (problem) {
        notify(t('action.failed', { error: explain(problem) }), 'failed');
      }
    },
    async actOnAll(incident) {
      const action = h(
        'select',
        { name: 'action' },
        ACTIONS.map((each) => option(each, t(`action.${each}`))),
      );
      const fields = [
        h('p', {}, incidentTitle(incident, store.records)),
        labelled(t('deed.all.action'), action),
        h('p', {}, icon('unknown'), ' ', t('deed.all.text', { count: incident.cameras.length })),
      ];
      const given = await asked(t('deed.all'), fields, t('deed.all.do'));
      const chosen = ACTIONS.find((each) => each === given?.get('action'));
      if (!chosen) return;
      try {
        const { accepted, outcomes } = await api.actOnMany(
          { action: chosen, cameras: incident.cameras, dry_run: false },
          AbortSignal.timeout(60_000),
        );
        notify(t('deed.all.done', { count: accepted }), 'done');
        const refused = outcomes.filter(({ outcome }) => outcome !== 'accepted');
        const error = refused[0]?.detail || refused[0]?.outcome;
        if (refused.length) notify(t('deed.all.failed', { count: refused.length, error }), 'failed');
      } catch (problem) {
        notify(t('action.failed', { error: explain(problem) }), 'failed');
      }
    },
  };
}
