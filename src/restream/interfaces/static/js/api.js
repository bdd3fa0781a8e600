// REST. Addresses are relative to the page, so that it works below a prefix of a reverse proxy.

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

let whenRefused = () => {};

/** Called once for every answer that asks for a login. */
export function onUnauthorized(callback) {
  whenRefused = callback;
}

export function address(path, parameters = {}) {
  const url = new URL(path, document.baseURI);
  url.search = '';
  url.hash = '';
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

export function socketAddress(parameters) {
  const url = address('ws', parameters);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}

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
    throw new ApiError(0, error.message);
  }
  if (response.ok) return response;
  if (response.status === 401 && path !== 'api/login') whenRefused();
  const body = await response.json().catch(() => null);
  throw new ApiError(response.status, typeof body?.error === 'string' ? body.error : response.statusText);
}

function either(...signals) {
  const first = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) first.abort(signal.reason);
    else signal.addEventListener('abort', () => first.abort(signal.reason), { once: true, signal: first.signal });
  }
  return first.signal;
}

const json = async (path, options) => (await send(path, options)).json();
const ofCamera = (id, rest = '') => `api/cameras/${encodeURIComponent(id)}${rest}`;

export const api = {
  session: () => json('api/session'),
  login: (token) =>
    send('api/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token }),
    }),
  logout: () => send('api/logout', { method: 'POST' }),
  status: (signal) => json('api/status', { signal }),
  cameras: (signal) => json('api/cameras', { signal, limitS: 30 }),
  camera: (id, signal) => json(ofCamera(id), { signal }),
  events: (parameters, signal) => json('api/events', { parameters, signal }),
  streams: (signal) => json('api/streams', { signal, limitS: 30 }),
  host: (signal) => json('api/host', { signal }),
  visionaire: (signal) => json('api/visionaire', { signal }),
  act: (id, action) => json(ofCamera(id, `/${action}`), { method: 'POST' }),
  still: async (id, signal) => (await send(ofCamera(id, '/snapshot.jpg'), { signal, limitS: 40 })).blob(),
};
