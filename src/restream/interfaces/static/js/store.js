// What is known, and who wants to hear of it. Cameras are kept as records with their sort keys made once.

import { calibrate } from './clock.js';
import { FILTERS, FILTER_NAMES, ofEach } from './filters.js';

/**
 * The worst first.
 * @type {Health[]}
 */
export const HEALTHS = ['down', 'degraded', 'unknown', 'healthy', 'disabled'];
const UNKNOWN = HEALTHS.indexOf('unknown');
/** @type {Fault[]} */
export const FAULTS = ['camera', 'network', 'publisher', 'media_server', 'config'];
const KEPT_EVENTS = 1000;

/**
 * A camera with what lists need of it, computed once per change.
 * @param {Camera} camera
 * @returns {CameraRecord}
 */
export function record(camera) {
  const rank = HEALTHS.indexOf(camera.verdict.health);
  const numeric = /^\d{1,15}$/.test(camera.id);
  const searched = [camera.id, camera.name, camera.site, camera.host, camera.path, camera.camera_type];
  return {
    id: camera.id,
    camera,
    rank: rank < 0 ? UNKNOWN : rank,
    number: numeric ? Number(camera.id) : Infinity,
    cause: camera.verdict.reasons[0]?.code ?? '',
    search: searched.filter(Boolean).join('\n').toLowerCase(),
  };
}

export class Store {
  /** @type {Map<string, CameraRecord>} */
  records = new Map();
  /** How many cameras have which value, by filter. */
  values = ofEach(() => /** @type {Map<string, number>} */ (new Map()));
  /** @type {Status | null} */
  status = null;
  /** @type {Host | null} */
  host = null;
  /** @type {ServiceEvent[]} */
  events = [];
  /**
   * Those that are open, by id.
   * @type {Map<string, OpenIncident>}
   */
  incidents = new Map();
  /** @type {string | null} */
  instance = null;
  generation = 0;
  intervalS = 2;
  /** False until the first list came. */
  filled = false;
  /** @type {Set<(change: Change) => void>} */
  #listeners = new Set();

  /** @param {(change: Change) => void} listener */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param {string | null} id */
  camera(id) {
    return (id !== null && this.records.get(id)?.camera) || null;
  }

  /**
   * Takes a message of the WebSocket, or what polling made to look like one.
   * @param {Message} message
   */
  apply(message) {
    if (message.time) calibrate(message.time);
    /** @type {Change} */
    const change = {
      ...{ cameras: new Set(), structure: false, values: false, status: false, events: [], host: false },
      ...{ incidents: false, ended: false },
    };
    if (message.instance !== undefined && message.instance !== this.instance) this.events = [];
    this.instance = message.instance ?? this.instance;
    this.generation = message.generation ?? this.generation;
    this.intervalS = message.interval_s ?? this.intervalS;
    if (message.cameras) {
      if (message.type === 'snapshot') this.#replaceAll(message.cameras, change);
      else for (const camera of message.cameras) this.#put(camera, change);
    }
    for (const id of message.removed ?? []) this.#remove(id, change);
    if (message.status) {
      this.status = message.status;
      change.status = true;
    }
    if (message.host) {
      this.host = message.host;
      change.host = true;
    }
    if (message.incidents) this.#replaceIncidents(message.incidents, change);
    if (message.events?.length) change.events = this.#addEvents(message.events);
    for (const listener of this.#listeners) listener(change);
  }

  /**
   * What was just done about an incident shows at once.
   * @param {OpenIncident} incident
   */
  putIncident(incident) {
    if (this.incidents.has(incident.id)) this.incidents.set(incident.id, incident);
  }

  /**
   * @param {OpenIncident[]} incidents
   * @param {Change} change
   */
  #replaceIncidents(incidents, change) {
    const before = this.incidents;
    this.incidents = new Map(incidents.map((each) => [each.id, each]));
    change.incidents = true;
    change.ended = [...before.keys()].some((id) => !this.incidents.has(id));
  }

  /**
   * @param {Camera[]} cameras
   * @param {Change} change
   */
  #replaceAll(cameras, change) {
    const present = new Set();
    for (const camera of cameras) {
      present.add(camera.id);
      const before = this.records.get(camera.id);
      if (!before || JSON.stringify(before.camera) !== JSON.stringify(camera)) this.#put(camera, change);
    }
    for (const id of [...this.records.keys()]) if (!present.has(id)) this.#remove(id, change);
    if (!this.filled) change.structure = true;
    this.filled = true;
  }

  /**
   * @param {Camera} camera
   * @param {Change} change
   */
  #put(camera, change) {
    const before = this.records.get(camera.id)?.camera;
    if (!before) change.structure = true;
    this.#count(camera, 1, change);
    if (before) this.#count(before, -1, change);
    this.records.set(camera.id, record(camera));
    change.cameras.add(camera.id);
  }

  /**
   * @param {string} id
   * @param {Change} change
   */
  #remove(id, change) {
    const before = this.records.get(id);
    if (!before) return;
    this.#count(before.camera, -1, change);
    this.records.delete(id);
    change.cameras.add(id);
    change.structure = true;
  }

  /**
   * @param {Camera} camera
   * @param {number} by
   * @param {Change} change
   */
  #count(camera, by, change) {
    for (const name of FILTER_NAMES) {
      const counts = this.values[name];
      const value = FILTERS[name].pick(camera);
      const before = counts.get(value) ?? 0;
      if (before + by > 0) counts.set(value, before + by);
      else counts.delete(value);
      if (!before || before + by === 0) change.values = true;
    }
  }

  /** @param {ServiceEvent[]} events */
  #addEvents(events) {
    const last = this.events.at(-1)?.id ?? -1;
    const fresh = events.filter((event) => event.id > last);
    this.events.push(...fresh);
    if (this.events.length > KEPT_EVENTS) this.events.splice(0, this.events.length - KEPT_EVENTS);
    return fresh;
  }
}
