"""Makes what keeps incidents and maintenance windows from the configuration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from restream.adapters.calendar import clock_at, occurrence
from restream.adapters.parent_check import parent_answers
from restream.config.settings import Settings
from restream.domain.news.event import IncidentChange
from restream.interfaces.documents.incidents import EncodedIncidents, subjects_of
from restream.interfaces.documents.rendering import Rendering
from restream.ports.nodes import Peers
from restream.service.secrets_in_use import SecretsInUse
from restream.service.stores import incident_stores, window_stores
from restream.supervisor.components import Components
from restream.supervisor.maintenance_keeper import MaintenanceKeeper
from restream.supervisor.outlets.incident_watch import FleetSight, IncidentWatch
from restream.supervisor.outlets.parent_watch import ParentWatch


def incident_watch(
    settings: Settings,
    secrets_in_use: SecretsInUse,
    peers: Callable[[], Peers | None],
    parents: ParentWatch[Rendering],
    happened: Callable[[IncidentChange], None],
) -> IncidentWatch[Rendering]:
    """Follows the cameras of all nodes."""
    stores, leads = incident_stores(settings, secrets_in_use), partial(_leads, settings, peers)
    return IncidentWatch(partial(_sight, peers, parents), stores, leads, happened=happened)


def parent_watch(settings: Settings, components: Components) -> ParentWatch[Rendering]:
    """Asks what cameras hang on."""
    return ParentWatch(settings.network.known(), settings.network.interval_s, parent_answers, components)


def maintenance_keeper(settings: Settings, secrets_in_use: SecretsInUse) -> MaintenanceKeeper:
    """Who has the maintenance windows."""
    return MaintenanceKeeper(window_stores(settings, secrets_in_use), occurrence, _words, clock_at)


def _words(moment: float) -> str:
    """A moment in the time zone of the service, for people."""
    return f"{datetime.fromtimestamp(moment).astimezone():%Y-%m-%d %H:%M %Z}"


def open_incidents(settings: Settings, watch: IncidentWatch[Rendering]) -> EncodedIncidents:
    """JSON of those that are open."""
    return EncodedIncidents(lambda: watch.version, lambda: watch.open, page_address(settings))


def page_address(settings: Settings) -> str:
    """Where operators reach the page, as far as that is known; else empty."""
    return settings.alerts.page_url or settings.nodes.url or ""


def _leads(settings: Settings, peers: Callable[[], Peers | None]) -> bool | None:
    """Whether this node has the duties that one has for all; None: it is alone."""
    if settings.nodes.dsn is None:
        return None
    found = peers()
    return found is not None and found.leads


def _sight(peers: Callable[[], Peers | None], parents: ParentWatch[Rendering], rendering: Rendering) -> FleetSight:
    """The whole fleet as incidents see it."""
    snapshot, others = rendering.snapshot, peers()
    subjects, sizes = subjects_of(rendering.cameras.values(), snapshot, parents.parents, parents.away)
    told = others is None or all(
        not node.alive or name == others.me or (name in others.pictures and not others.pictures[name].problem)
        for name, node in others.nodes.items()
    )
    complete = snapshot.table_read and told and not snapshot.draining
    return FleetSight(subjects, sizes, snapshot.now, snapshot.taken_at, complete)


def in_hand(incidents: IncidentWatch[Rendering]) -> Callable[[float], frozenset[str]]:
    """Which cameras nobody is to be reminded of, at a moment (Unix time, s)."""

    def quiet(now: float) -> frozenset[str]:
        return frozenset().union(*(each.members for each in incidents.open.values() if each.quiet(now)))

    return quiet
