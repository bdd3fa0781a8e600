// What the page's scripts speak of: documents of the service, and shapes that several scripts know.

import type { components, operations } from './api';

type Schemas = components['schemas'];
/** What an operation answers when all is well. */
type Answer<Name extends keyof operations> = operations[Name] extends {
  responses: { 200: { content: { 'application/json': infer Body } } };
}
  ? Promise<Body>
  : never;

declare global {
  type Store = import('../../../src/restream/interfaces/static/js/store.js').Store;
  type Route = import('../../../src/restream/interfaces/static/js/route.js').Route;
  type Connection = import('../../../src/restream/interfaces/static/js/connection.js').Connection;

  type Camera = Schemas['Camera'];
  type CameraDetails = Schemas['CameraDetails'];
  type Verdict = Schemas['Verdict'];
  type Reason = Verdict['reasons'][number];
  type Health = Verdict['health'];
  type Fault = Verdict['fault'];
  type Status = Schemas['Status'];
  type Host = Schemas['Host'];
  type ServiceEvent = Schemas['Event'];
  type Streams = Schemas['Streams'];
  type Visionaire = Schemas['Visionaire'];
  type AvailabilityReport = Awaited<Answer<'getReport'>>;
  type CameraOfReport = AvailabilityReport['cameras'][number];
  type SiteOfReport = AvailabilityReport['sites'][number];
  type CauseOfReport = AvailabilityReport['causes'][number];
  type NodeOfFleet = Schemas['Nodes']['nodes'][number];
  type OpenIncident = Schemas['Incident'];
  type MaintenanceWindow = Schemas['Window'];
  type IncidentDeed = OpenIncident['entries'][number]['deed'];
  type IncidentDeedBody = { who?: string; text?: string; until?: string };
  type Session = Schemas['Session'];
  type BulkRequest = operations['actOnCameras']['requestBody']['content']['application/json'];
  type Bulk = Awaited<Answer<'actOnCameras'>>;
  type RowChanges = Awaited<Answer<'compareRows'>>;
  type RowOfFile = RowChanges['rows'][number];
  type AuditEntry = Schemas['Audit'];
  type SignIn = Session['sign_in'][number];
  type Action = Schemas['Accepted']['action'];
  /** Of the WebSocket, or what polling makes to look like one, without a generation. */
  type Message = Partial<Omit<Schemas['Delta'], 'type'>> & { type: 'snapshot' | 'delta' };

  /** A time as the service writes it. */
  type Moment = string | null | undefined;
  type Amount = number | null | undefined;
  type Values = Record<string, unknown>;

  type Child = Node | string | false | null | undefined;
  type Listener = (event: never) => unknown;
  type Attributes = Record<string, string | number | boolean | null | undefined | Listener>;

  interface Service {
    session(): Answer<'getSession'>;
    login(shown: { token: string } | { user: string; password: string }): Promise<Response>;
    logout(): Promise<Response>;
    status(signal: AbortSignal): Answer<'getStatus'>;
    cameras(signal: AbortSignal): Answer<'listCameras'>;
    camera(id: string, signal: AbortSignal): Answer<'getCamera'>;
    events(parameters: operations['listEvents']['parameters']['query'], signal?: AbortSignal): Answer<'listEvents'>;
    streams(signal: AbortSignal): Answer<'listStreams'>;
    host(signal: AbortSignal): Answer<'getHost'>;
    visionaire(signal?: AbortSignal): Answer<'getVisionaire'>;
    nodes(signal: AbortSignal): Answer<'listNodes'>;
    alerts(signal?: AbortSignal): Answer<'getAlerts'>;
    testAlerts(receiver: string | null): Answer<'testAlerts'>;
    incidents(
      parameters: operations['listIncidents']['parameters']['query'],
      signal?: AbortSignal,
    ): Answer<'listIncidents'>;
    incident(id: string, signal?: AbortSignal): Answer<'getIncident'>;
    incidentDeed(id: string, deed: IncidentDeed, body: IncidentDeedBody): Answer<'getIncident'>;
    maintenance(signal: AbortSignal): Answer<'listMaintenance'>;
    planMaintenance(body: Record<string, unknown>): Promise<MaintenanceWindow>;
    endMaintenance(id: string): Promise<MaintenanceWindow>;
    report(parameters: Record<string, string>, signal: AbortSignal): Answer<'getReport'>;
    audit(parameters: operations['listAudit']['parameters']['query'], signal: AbortSignal): Answer<'listAudit'>;
    compareRows(
      file: Blob,
      parameters: operations['compareRows']['parameters']['query'],
      signal?: AbortSignal,
    ): Answer<'compareRows'>;
    act(id: string, action: Action): Promise<Schemas['Accepted']>;
    actOnMany(wanted: BulkRequest, signal: AbortSignal): Promise<Bulk>;
    pictures(id: string, signal?: AbortSignal): Answer<'getPictures'>;
    accept(id: string): Answer<'acceptPicture'>;
    still(id: string, signal?: AbortSignal): Promise<Blob>;
  }

  type Grouping = 'none' | 'site' | 'host' | 'cause';
  type MoreColumn = 'engine' | 'server' | 'node';
  type Filters = Record<import('../../../src/restream/interfaces/static/js/filters.js').Filter, string | null>;
  interface View extends Filters {
    tab: string;
    /** Values of the address that belong to the panel that is shown; left out where there are none. */
    own?: Record<string, string>;
    q: string;
    camera: string | null;
    health: Health[];
    fault: Fault[];
    group: Grouping;
    sort: string;
    stills: boolean;
    columns: MoreColumn[];
  }

  /** A camera with what lists need of it. */
  interface CameraRecord {
    id: string;
    camera: Camera;
    rank: number;
    number: number;
    cause: string;
    search: string;
  }
  interface Change {
    cameras: Set<string>;
    structure: boolean;
    /** A filter has a new value, or one less. */
    values: boolean;
    status: boolean;
    events: ServiceEvent[];
    host: boolean;
    incidents: boolean;
    /** An incident is not open any more. */
    ended: boolean;
  }

  interface ListColumn {
    id: string;
    sort: string;
    least: number;
    most?: number;
    whole?: boolean;
    grow?: number;
    drop: number;
    asked?: boolean;
    narrow?: boolean;
    numeric?: boolean;
    text?: (camera: Camera) => string;
    fill: (cell: HTMLElement) => (camera: Camera) => void;
  }
  interface ListLayout {
    /** Two lines for a camera, and no table. */
    narrow: boolean;
    sides: boolean;
    columns: ListColumn[];
    /** Of the grid. */
    template: string;
  }

  interface Incident {
    key: string;
    incident: OpenIncident;
    records: CameraRecord[];
  }

  /** How a row is opened; `enter`: the focus goes along. */
  type Opening = (id: string, how: { enter?: boolean }) => void;
  interface CameraItem {
    kind: 'camera';
    key: string;
    id: string;
    record: CameraRecord;
    inside: boolean;
    open?: undefined;
  }
  interface Heading<Kind extends 'group' | 'incident'> {
    kind: Kind;
    key: string;
    id: null;
    value: string;
    counts: Partial<Record<Health, number>>;
    total: number;
    open: boolean;
    inside?: undefined;
  }
  type GroupItem = Heading<'group'> & { by: Grouping };
  /** `acknowledged`: by whom; null: by nobody. */
  type IncidentItem = Heading<'incident'> & { title: string; cause: string; acknowledged: string | null };
  type HeadingItem = GroupItem | IncidentItem;
  type Item = CameraItem | HeadingItem;
  interface Arranged {
    items: Item[];
    shown: number;
    total: number;
    order: CameraRecord[];
  }

  /** What is told to a panel, beside its element: each where it wants to know. */
  interface Panel {
    element: HTMLElement;
    /** There is access. */
    begin?: () => void;
    /** It is shown, or not any more. */
    enter?: () => void;
    leave?: () => void;
    /** New data; also while it is not shown. */
    show?: (change: Change) => void;
    /** The address has changed while it is shown, or made it shown. */
    view?: (now: View) => void;
    /** Who is signed in may do something else than before. */
    session?: (session: Session | null) => void;
  }
  interface PanelParts {
    store: Store;
    route: Route;
    /** Whether its tab is shown. */
    appear: (shown: boolean) => void;
    /** A number beside its title. */
    count: (amount: number | null) => void;
  }
  type PanelMakers = Record<string, (parts: PanelParts) => Panel>;
  interface Column<Row> {
    label: string;
    numeric?: boolean;
    /** Its label is only read out. */
    unseen?: boolean;
    cell: (row: Row) => Child;
  }
}
