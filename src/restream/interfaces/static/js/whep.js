// A stream of the media server by WebRTC (WHEP): one offer, one answer, and then whether pictures come.

/** So long candidates are gathered, and pictures may take to come (ms). */
const GATHER_MS = 1500;
const PICTURE_MS = 12_000;
const LOOK_MS = 2000;

/**
 * Why there is no picture: `codec` the browser cannot play it, `absent` nothing is published, `refused` the media server
 * lets nobody in, `unreachable` no way leads there, `silent` no pictures come.
 * @typedef {'codec' | 'absent' | 'refused' | 'unreachable' | 'silent'} Trouble
 * @typedef {{ fps: number, bps: number, lost: number, width: number, height: number }} Figures
 */

export class WhepError extends Error {
  /**
   * @param {Trouble} trouble
   * @param {string} [detail] what the media server said
   */
  constructor(trouble, detail = '') {
    super(detail || trouble);
    this.trouble = trouble;
  }
}

/** @type {Record<number, Trouble>} */
const STATUSES = { 400: 'codec', 401: 'refused', 403: 'refused', 404: 'absent', 406: 'codec' };

/** @param {RTCPeerConnection} peer */
function gathered(peer) {
  return new Promise((resolve) => {
    const done = () => peer.iceGatheringState === 'complete' && resolve(null);
    peer.addEventListener('icegatheringstatechange', done);
    setTimeout(resolve, GATHER_MS);
    done();
  });
}

/**
 * The answer of the media server, and where its session is ended.
 * @param {string} address
 * @param {string} sdp
 * @param {AbortSignal} signal
 */
async function exchanged(address, sdp, signal) {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(address, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp' },
      body: sdp,
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new WhepError('unreachable');
  }
  const text = await response.text();
  if (response.ok) {
    const place = response.headers.get('Location');
    return { answer: text, session: place ? new URL(place, address) : null };
  }
  throw new WhepError(STATUSES[response.status] ?? 'unreachable', text.slice(0, 200));
}

/**
 * What has come between two looks.
 * @param {RTCPeerConnection} peer
 */
function meter(peer) {
  let before = { frames: 0, bytes: 0, at: performance.now() };
  return async () => {
    const now = { frames: 0, bytes: 0, at: performance.now() };
    const figures = { fps: 0, bps: 0, lost: 0, width: 0, height: 0 };
    for (const each of (await peer.getStats()).values()) {
      if (each.type !== 'inbound-rtp' || each.kind !== 'video') continue;
      now.frames = each.framesDecoded ?? 0;
      now.bytes = each.bytesReceived ?? 0;
      Object.assign(figures, { lost: each.packetsLost ?? 0, width: each.frameWidth ?? 0, height: each.frameHeight ?? 0 });
    }
    const seconds = Math.max(0.001, (now.at - before.at) / 1000);
    figures.fps = (now.frames - before.frames) / seconds;
    figures.bps = ((now.bytes - before.bytes) * 8) / seconds;
    before = now;
    return figures;
  };
}

/**
 * Plays until `signal` ends it; resolves never, rejects with a WhepError.
 * @param {string} page the address of the stream's page at the media server
 * @param {HTMLVideoElement} video
 * @param {{ signal: AbortSignal, onFigures: (figures: Figures) => void }} parts
 */
export async function play(page, video, { signal, onFigures }) {
  const peer = new RTCPeerConnection();
  /** @type {URL | null} */
  let session = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let looking;
  try {
    peer.addTransceiver('video', { direction: 'recvonly' });
    peer.addEventListener('track', ({ streams, track }) => {
      video.srcObject = streams[0] ?? new MediaStream([track]);
      video.play().catch(() => {});
    });
    await peer.setLocalDescription(await peer.createOffer());
    await gathered(peer);
    signal.throwIfAborted();
    const found = await exchanged(new URL('whep', page).href, peer.localDescription?.sdp ?? '', signal);
    session = found.session;
    // A track that is not taken has port 0.
    if (!/^m=video [1-9]/m.test(found.answer)) throw new WhepError('codec');
    await peer.setRemoteDescription({ type: 'answer', sdp: found.answer });
    await new Promise((_, reject) => {
      let pictureAt = performance.now();
      const look = meter(peer);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      peer.addEventListener('connectionstatechange', () => {
        if (peer.connectionState === 'failed') reject(new WhepError('unreachable'));
      });
      looking = setInterval(async () => {
        const figures = await look();
        if (figures.fps > 0) pictureAt = performance.now();
        onFigures(figures);
        if (performance.now() - pictureAt > PICTURE_MS) reject(new WhepError('silent'));
      }, LOOK_MS);
    });
  } finally {
    clearInterval(looking);
    video.srcObject = null;
    const close = () => peer.close();
    // The media server knows no session any more whose connection was closed first.
    if (session) fetch(session, { method: 'DELETE', credentials: 'omit', keepalive: true }).then(close, close);
    else close();
  }
}
