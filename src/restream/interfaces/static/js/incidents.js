// Cameras that went down together, as the service tells of them: as rows of the list, and in words.

import { t } from './i18n.js';

/**
 * The incidents of several cameras, largest first, with those of their cameras that are known here.
 * @param {Iterable<OpenIncident>} open
 * @param {Map<string, CameraRecord>} records
 * @returns {Incident[]}
 */
export function incidents(open, records) {
  /** @type {Incident[]} */
  const found = [];
  for (const incident of open) {
    if (incident.scope === 'camera') continue;
    const members = incident.cameras.flatMap((id) => records.get(id) ?? []);
    if (members.length) found.push({ key: incident.id, incident, records: members });
  }
  return found.sort((a, b) => b.records.length - a.records.length);
}

/**
 * What it is of, and how large it is or was.
 * @param {OpenIncident} incident
 * @param {Map<string, CameraRecord>} records
 */
export function incidentTitle(incident, records) {
  const count = incident.ended === null ? incident.total : incident.most;
  const camera = incident.scope === 'camera' ? records.get(incident.place)?.camera : undefined;
  const place = camera?.name ? `${incident.place} ${camera.name}` : incident.place;
  return t(`incident.${incident.scope}`, { place, count });
}
