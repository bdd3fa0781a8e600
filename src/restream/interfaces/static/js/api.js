// REST. Addresses are relative to the page, so that it works below a prefix of a reverse proxy.

/** @typedef {Record<string, string | number | null | undefined>} Parameters */
/** @typedef {RequestInit & { parameters?: Parameters, limitS?: number }} Options */

export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @type {() => void} */
let whenRefused = () => {};

/**
 * Called once for every answer that asks for a login.
 * @param {() => void} callback
 */
export function onUnauthorized(callback) {
  whenRefused = callback;
}

/**
 * @param {string} path
 * @param {Parameters} parameters
 */
export function address(path, parameters = {}) {
  const url = new URL(path, document.baseURI);
  url.search = '';
  url.hash = '';
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

/** @param {Parameters} parameters */
export function socketAddress(parameters) {
  const url = address('ws', parameters);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}

/** @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * @param {string} path
 * @param {Options} options
 */
async function send(path, { parameters, limitS = 15, signal, ...options } = {}) {
  const limit = AbortSignal.timeout(limitS * 1000);
  let response;
  try {
    response = await fetch(address(path, parameters), {
      cache: 'no-cache',
      credentials: 'same-origin',
      redirect: 'error',
      signal: signal ? either(signal, limit) : limit,
      ...options,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, messageOf(error));
  }
  if (response.ok) return response;
  if (response.status === 401 && path !== 'api/login') whenRefused();
  const body = await response.json().catch(() => null);
  throw new ApiError(response.status, typeof body?.error === 'string' ? body.error : response.statusText);
}

/** @param {AbortSignal[]} signals */
function either(...signals) {
  const first = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) first.abort(signal.reason);
    else signal.addEventListener('abort', () => first.abort(signal.reason), { once: true, signal: first.signal });
  }
  return first.signal;
}

/**
 * @param {string} path
 * @param {Options} [options]
 */
const json = async (path, options) => (await send(path, options)).json();
/** @param {string} id */
const ofCamera = (id, rest = '') => `api/cameras/${encodeURIComponent(id)}${rest}`;

/** @type {Service} */
export const api = {
  session: () => json('api/session'),
  login: (shown) =>
    send('api/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(shown),
    }),
  logout: () => send('api/logout', { method: 'POST' }),
  status: (signal) => json('api/status', { signal }),
  cameras: (signal) => json('api/cameras', { signal, limitS: 30 }),
  camera: (id, signal) => json(ofCamera(id), { signal }),
  events: (parameters, signal) => json('api/events', { parameters, signal }),
  streams: (signal) => json('api/streams', { signal, limitS: 30 }),
  host: (signal) => json('api/host', { signal }),
  visionaire: (signal) => json('api/visionaire', { signal }),
  nodes: (signal) => json('api/nodes', { signal }),
  alerts: (signal) => json('api/alerts', { signal }),
  testAlerts: (receiver) => json('api/alerts/test', { method: 'POST', parameters: { receiver }, limitS: 130 }),
  actOnMany: (wanted, signal) =>
    json('api/actions', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(wanted),
      signal,
      limitS: 60,
    }),
  incidents: (parameters, signal) => json('api/incidents', { parameters, signal }),
  incident: (id, signal) => json(`api/incidents/${encodeURIComponent(id)}`, { signal }),
  incidentDeed: (id, deed, body) =>
    json(`api/incidents/${encodeURIComponent(id)}/${deed}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    }),
  maintenance: (signal) => json('api/maintenance', { signal }),
  planMaintenance: (body) =>
    json('api/maintenance', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    }),
  endMaintenance: (id) => json(`api/maintenance/${encodeURIComponent(id)}/end`, { method: 'POST' }),
  report: (parameters, signal) => json('api/report', { parameters: { ...parameters, format: 'json' }, signal, limitS: 120 }),
  audit: (parameters, signal) => json('api/audit', { parameters, signal }),
  compareRows: (file, parameters, signal) =>
    json('api/rows/dry-run', {
      method: 'POST',
      headers: { 'Content-Type': 'text/csv' },
      body: file,
      parameters,
      signal,
      limitS: 90,
    }),
  act: (id, action) => json(ofCamera(id, `/${action}`), { method: 'POST' }),
  pictures: (id, signal) => json(ofCamera(id, '/pictures'), { signal }),
  accept: (id) => json(ofCamera(id, '/pictures/accept'), { method: 'POST' }),
  still: async (id, signal) => (await send(ofCamera(id, '/snapshot.jpg'), { signal, limitS: 40 })).blob(),
};
