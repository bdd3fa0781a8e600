// Several cameras that fail together are one incident: a recorder, a site, the media server, a node.

export const FEWEST = 3;
const SITE_SHARE = 0.5;
// Being started or stopped is no failure, however many are.
const HARMLESS = new Set([
  '',
  'starting',
  'draining',
  'stopping',
  'restarting',
  'disabled',
  'held_by_operator',
  'unobserved',
  'not_arrived',
]);

/**
 * @param {CameraRecord[]} records
 * @param {(record: CameraRecord) => string | null} keyOf
 */
function gather(records, keyOf) {
  /** @type {Map<string, CameraRecord[]>} */
  const groups = new Map();
  for (const record of records) {
    const key = keyOf(record);
    if (key === null) continue;
    const members = groups.get(key);
    if (members) members.push(record);
    else groups.set(key, [record]);
  }
  return [...groups].filter(([, members]) => members.length >= FEWEST);
}

/**
 * Incidents among records, largest first; a camera belongs to one at most.
 * @param {CameraRecord[]} records
 */
export function incidents(records) {
  const failed = records.filter(
    ({ camera, cause }) => !['healthy', 'disabled'].includes(camera.verdict.health) && !HARMLESS.has(cause),
  );
  if (failed.length < FEWEST) return [];
  /** @type {Incident[]} */
  const found = [];
  const taken = new Set();
  /**
   * @param {Scope} scope
   * @param {(camera: Camera) => string} place
   * @param {(record: CameraRecord) => string | null} keyOf
   * @param {(members: CameraRecord[]) => boolean} accept
   */
  const take = (scope, place, keyOf, accept = () => true) => {
    const rest = failed.filter((record) => !taken.has(record.id));
    for (const [key, members] of gather(rest, keyOf)) {
      if (!accept(members)) continue;
      for (const record of members) taken.add(record.id);
      const { cause, camera } = members[0];
      found.push({ key: `${scope} ${key}`, scope, place: place(camera), cause, camera, records: members });
    }
  };
  take(
    'server',
    () => '',
    ({ camera, cause }) => (camera.verdict.fault === 'media_server' ? cause : null),
  );
  take(
    'node',
    ({ node }) => node,
    ({ camera, cause }) => (cause === 'no_node' || cause === 'node_silent' ? `${cause} ${camera.node}` : null),
  );
  take(
    'host',
    (camera) => camera.host,
    ({ camera, cause }) => (camera.host ? `${cause} ${camera.host}` : null),
  );
  const sizes = new Map();
  for (const { camera } of records) sizes.set(camera.site, (sizes.get(camera.site) ?? 0) + 1);
  /** @param {CameraRecord} record */
  const bySite = ({ camera, cause }) =>
    camera.site && camera.verdict.fault === 'network' ? `${cause} ${camera.site}` : null;
  take(
    'site',
    (camera) => camera.site,
    bySite,
    (members) => members.length >= SITE_SHARE * (sizes.get(members[0].camera.site) ?? 0),
  );
  return found.sort((a, b) => b.records.length - a.records.length);
}
