"""Which outlets this configuration has: who is told of every cycle."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from restream import __version__
from restream.adapters.ffmpeg.still_picture import FfmpegStills
from restream.config.settings import Settings
from restream.domain.judgement.availability import Timeline
from restream.domain.maintenance.window import is_planned
from restream.domain.visionaire import HostPicture
from restream.interfaces.documents.cameras import with_processes
from restream.interfaces.documents.packets import with_packets
from restream.interfaces.documents.rendering import Renderer, Rendering
from restream.interfaces.documents.status import ServiceFacts
from restream.interfaces.http.exporter import Exporter
from restream.interfaces.http.live import Live
from restream.interfaces.series import line_protocol
from restream.ports.outlets import Outlet
from restream.service.alert_letters import AlertPictures
from restream.service.alerting import adopt_alerts, alert_watch
from restream.service.incidents import in_hand, incident_watch, maintenance_keeper, open_incidents, parent_watch
from restream.service.sampling import Sampling
from restream.service.secrets_in_use import SecretsInUse
from restream.service.sharing import Sharing
from restream.service.stores import (
    archives,
    audit_stores,
    delivery_store,
    line_store,
    media_memory,
    span_store,
    stream_sinks,
)
from restream.service.topics import topic_keepers
from restream.supervisor.components import Components
from restream.supervisor.maintenance_keeper import MaintenanceKeeper
from restream.supervisor.outlets.alert_watch import AlertIncidents, AlertWatch
from restream.supervisor.outlets.archivist import Archivist
from restream.supervisor.outlets.audit_keeper import AuditKeeper
from restream.supervisor.outlets.broadcast import Broadcast
from restream.supervisor.outlets.delivery_keeper import DeliveryKeeper
from restream.supervisor.outlets.incident_watch import IncidentWatch
from restream.supervisor.outlets.line_writer import LineWriter
from restream.supervisor.outlets.media_keeper import MediaKeeper
from restream.supervisor.outlets.parent_watch import ParentWatch
from restream.supervisor.outlets.sink_writer import Encoding, SinkWriter
from restream.supervisor.outlets.span_keeper import SpanKeeper
from restream.supervisor.picture.history import History
from restream.supervisor.picture.still_queue import StillQueue


@dataclass(frozen=True, slots=True)
class Outlets:
    """All of them, and those that are asked for more. None of them asks the supervisor anything."""

    renderer: Renderer
    live: Live
    alerts: AlertWatch
    exporter: Exporter
    incidents: IncidentWatch[Rendering]
    maintenance: MaintenanceKeeper
    broadcast: Broadcast[Rendering]
    audit: AuditKeeper
    media: MediaKeeper | None
    """None without a store that could keep them."""
    letters: AlertPictures
    parents: ParentWatch[Rendering]
    deliveries: DeliveryKeeper

    def adopt(self, before: Settings, settings: Settings) -> None:
        """What is told of outages, and to whom, changes while the service runs; other outlets at its next start."""
        self.parents.adopt(settings.network.known(), settings.network.interval_s)
        adopt_alerts(self.alerts, before, settings, self.letters)

    @property
    def stills(self) -> StillQueue:
        """What the page has shown of cameras."""
        return self.letters.stills


def outlets(
    settings: Settings,
    secrets_in_use: SecretsInUse,
    components: Components,
    history: History,
    *,
    restore: Callable[[Mapping[str, Timeline], float], None],
    pictures: Callable[[], Mapping[str, HostPicture]],
    sharing: Sharing,
    others: Sequence[Outlet[Rendering]] = (),
    sampling: Sampling,
) -> Outlets:
    """Make them; `others` are told first. Metrics are no outlet: Prometheus asks for the latest rendering."""
    node, encoding = settings.node_name, Encoding()
    renderer = Renderer(_facts(settings), sharing.peers)
    maintenance = maintenance_keeper(settings, secrets_in_use)
    parents = parent_watch(settings, components)
    incidents = incident_watch(settings, secrets_in_use, sharing.peers, parents, history.happened)
    live = Live(
        lambda: renderer.latest,
        lambda after, limit: history.after(after, limit=limit),
        open_incidents(settings, incidents),
    )
    letters = _pictures(settings, renderer, sampling)
    alerts = _alert_watch(settings, components, letters, incidents)
    deliveries = _delivery_keeper(settings, secrets_in_use, alerts)
    lines = _line_writers(settings, secrets_in_use, components)
    media = _media_keeper(settings, secrets_in_use)
    audit = AuditKeeper(audit_stores(settings, secrets_in_use), node=node)
    told: list[Outlet[Rendering]] = [
        *others,
        audit,
        parents,
        # Whoever is told next may ask which incidents there are.
        incidents,
        maintenance,
        live,
        alerts,
        deliveries,
        *(SinkWriter(sink, encoding, components) for sink in stream_sinks(settings, secrets_in_use)),
        *(Archivist(archive, history, restore) for archive in archives(settings, secrets_in_use)),
        *lines,
        _span_keeper(settings, secrets_in_use, sharing),
        *topic_keepers(settings, secrets_in_use, components),
        *([media] if media is not None else []),
    ]
    exporter = Exporter(
        lambda: renderer.latest.snapshot,
        pictures,
        lambda: {**_counts(history, alerts, lines), **sampling.counts},
        lambda: live.clients,
        node=node,
        version=__version__,
        nodes=lambda: () if (found := sharing.peers()) is None else found.nodes.values(),
        incidents=lambda: list(incidents.open.values()),
    )
    broadcast = Broadcast(renderer.render, told, components)
    return Outlets(
        renderer, live, alerts, exporter, incidents, maintenance, broadcast, audit, media, letters, parents, deliveries
    )


def _facts(settings: Settings) -> ServiceFacts:
    return ServiceFacts(
        settings.node_name,
        __version__,
        secrets.token_hex(4),
        time.monotonic(),
        settings.mediamtx.interval_s,
        shares=settings.nodes.dsn is not None,
    )


def _media_keeper(settings: Settings, secrets_in_use: SecretsInUse) -> MediaKeeper | None:
    """What cameras send; None without a store that could keep it."""
    memory = media_memory(settings, secrets_in_use)
    return MediaKeeper(memory) if memory is not None else None


def _span_keeper(settings: Settings, secrets_in_use: SecretsInUse, sharing: Sharing) -> SpanKeeper:
    """What each camera was like; time in maintenance is marked."""
    store, keep_days = span_store(settings, secrets_in_use), settings.history.keep_days
    return SpanKeeper(
        store, keep_days=keep_days, leads=sharing.leads, planned=lambda _, report: is_planned(report.verdict)
    )


def _delivery_keeper(settings: Settings, secrets_in_use: SecretsInUse, alerts: AlertWatch) -> DeliveryKeeper:
    """What became of messages."""
    return DeliveryKeeper(alerts.log, delivery_store(settings, secrets_in_use), lambda: settings.alerts.keep_days)


def _pictures(settings: Settings, renderer: Renderer, sampling: Sampling) -> AlertPictures:
    stills = StillQueue(FfmpegStills(settings.ffmpeg.probe_timeout_s))
    return AlertPictures(stills, lambda: renderer.latest.snapshot, sampling.newest)


def _alert_watch(
    settings: Settings,
    components: Components,
    letters: AlertPictures,
    incidents: IncidentWatch[Rendering],
) -> AlertWatch:
    of_incidents = AlertIncidents(incidents.of_camera, incidents.of_bond)
    return alert_watch(settings, components, letters, in_hand(incidents), of_incidents)


def _line_writers(
    settings: Settings, secrets_in_use: SecretsInUse, components: Components
) -> list[LineWriter[Rendering]]:
    """None or one."""
    store = line_store(settings, secrets_in_use)
    return [] if store is None else [LineWriter(store, _lines, components, interval_s=settings.influx.interval_s)]


def _lines(rendering: Rendering) -> Iterator[str]:
    """The history of one moment, for InfluxDB; drawn slowly, from frozen documents."""
    at_s, own = rendering.snapshot.taken_at, rendering.stored
    yield from line_protocol.cameras(with_processes(rendering.snapshot, own.cameras), at_s)
    yield from line_protocol.tracks(with_packets(rendering.snapshot, own.cameras), at_s)
    yield from line_protocol.fleet(own.status, at_s)
    if rendering.host is not None:
        yield from line_protocol.host(rendering.host, rendering.status.node, at_s)


def _counts(
    history: History, alerts: AlertWatch, lines: Sequence[LineWriter[Rendering]]
) -> Mapping[str, Mapping[str, float]]:
    counts: dict[str, Mapping[str, float]] = {"events": history.recorded, "alerts": alerts.outcomes}
    for writer in lines:
        counts["lines"] = {"written": writer.written_total, "dropped": writer.dropped_total}
    return counts
