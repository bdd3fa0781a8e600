"""What somebody who is confined to sites gets of the whole."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from restream.domain.access.caller import Caller
from restream.domain.maintenance.window import MaintenanceWindow
from restream.domain.news.incident import Incident, IncidentScope
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.events import EventKind
from restream.interfaces.documents.nodes import NodesDocument
from restream.interfaces.documents.rendering import Rendering
from restream.interfaces.documents.status import StatusDocument, camera_counts
from restream.interfaces.documents.streams import StreamsDocument
from restream.ports.outlets import EventRecord


def cameras_for(caller: Caller, cameras: Mapping[str, CameraDocument]) -> Mapping[str, CameraDocument]:
    """Those that he sees, by id; all of them are the mapping itself."""
    if caller.sites is None:
        return cameras
    return {key: camera for key, camera in cameras.items() if camera.site in caller.sites}


def status_for(caller: Caller, status: StatusDocument, cameras: Mapping[str, CameraDocument]) -> StatusDocument:
    """With counts of the cameras that he sees; components and the service itself are as they are."""
    if caller.sites is None:
        return status
    seen = cameras_for(caller, cameras).values()
    by_server = Counter(camera.media_server for camera in seen)
    servers = {name: replace(each, cameras=by_server.get(name, 0)) for name, each in status.servers.items()}
    return replace(status, **camera_counts(seen), servers=servers)


def nodes_for(caller: Caller, document: NodesDocument, cameras: Mapping[str, CameraDocument]) -> NodesDocument:
    """With counts of the cameras that he sees."""
    if caller.sites is None:
        return document
    seen = cameras_for(caller, cameras).values()
    by_node = {node.name: [camera for camera in seen if camera.node == node.name] for node in document.nodes}
    nodes = tuple(
        replace(node, shown=len(mine := by_node[node.name]), health=camera_counts(mine)["health"])
        for node in document.nodes
    )
    return replace(document, nodes=nodes)


def events_for(
    caller: Caller, events: Sequence[EventRecord], cameras: Mapping[str, CameraDocument]
) -> Sequence[EventRecord]:
    """Those of cameras that he sees, and those of no camera; incidents of several cameras may be of other sites."""
    if caller.sites is None:
        return events
    seen = cameras_for(caller, cameras)
    common = [event.camera is None and event.kind != EventKind.INCIDENT for event in events]
    return [event for event, whole in zip(events, common, strict=True) if whole or event.camera in seen]


def streams_for(caller: Caller, document: StreamsDocument, cameras: Mapping[str, CameraDocument]) -> StreamsDocument:
    """The paths of cameras that he sees; those of no camera are of no site."""
    if caller.sites is None:
        return document
    seen = cameras_for(caller, cameras)
    return replace(document, streams=tuple(each for each in document.streams if each.camera in seen))


def paths_for(caller: Caller, rendering: Rendering) -> frozenset[tuple[str | None, str | None]] | None:
    """Media server and path of each camera that he sees; None: of all paths, also those of no camera."""
    if caller.sites is None:
        return None
    return frozenset(
        (camera.media_server, camera.path)
        for camera in cameras_for(caller, rendering.cameras).values()
        if camera.phase != "disabled"
    )


def incident_for(caller: Caller, incident: Incident, cameras: Mapping[str, CameraDocument]) -> Incident | None:
    """With the cameras that he sees; None: it has none of them."""
    if caller.sites is None:
        return incident
    affected = _seen(caller, incident.affected, cameras)
    if not affected:
        return None
    members, most, bond = _seen(caller, incident.members, cameras), min(incident.most, len(affected)), incident.bond
    if bond.scope is IncidentScope.SITE and not caller.sees(bond.place):
        # A camera has moved since.
        bond = bond._replace(place="")
    return dataclasses.replace(incident, bond=bond, members=members, affected=affected, most=most)


def window_for(
    caller: Caller, window: MaintenanceWindow, cameras: Mapping[str, CameraDocument]
) -> MaintenanceWindow | None:
    """With the cameras and sites that he sees; None: it concerns none of them."""
    if caller.sites is None or not (window.cameras or window.sites or window.servers):
        return window
    mine = _seen(caller, window.cameras, cameras)
    servers = {each.media_server for each in cameras_for(caller, cameras).values()} & window.servers
    if not (mine or servers or window.sites & caller.sites):
        return None
    kept = frozenset(each for each in servers if each is not None)
    return dataclasses.replace(window, cameras=mine, sites=window.sites & caller.sites, servers=kept)


def may_plan(caller: Caller, window: MaintenanceWindow, cameras: Mapping[str, CameraDocument]) -> bool:
    """Whether it is of nothing but what he sees."""
    named = window.cameras or window.sites
    return caller.sites is None or bool(named and not window.servers and window_for(caller, window, cameras) == window)


def _seen(caller: Caller, ids: Iterable[str], cameras: Mapping[str, CameraDocument]) -> frozenset[str]:
    return frozenset(each for each in ids if each in cameras and caller.sees(cameras[each].site))


def known_ids(caller: Caller, cameras: Iterable[CameraDocument]) -> frozenset[str]:
    """Ids of the cameras that he sees."""
    return frozenset(camera.id for camera in cameras if caller.sees(camera.site))
