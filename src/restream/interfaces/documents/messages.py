"""The messages of `/ws`. Keys of topics that a client did not ask for are missing."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType

from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.events import EventDocument
from restream.interfaces.documents.host_document import HostDocument
from restream.interfaces.documents.incidents import IncidentDocument
from restream.interfaces.documents.status import CycleTime, Generation, Instance, Interval, StatusDocument
from restream.interfaces.documents.streams import LatestStreamDocument
from restream.interfaces.documents.values import Document, about


class SnapshotDocument(Document, tag_field="type", tag="snapshot"):
    """The first message: everything. Keys of topics that were not asked for are missing."""

    instance: Instance
    generation: Generation
    time: CycleTime
    interval_s: Interval
    cameras: tuple[CameraDocument, ...] | UnsetType = UNSET
    status: StatusDocument | UnsetType = UNSET
    events: tuple[EventDocument, ...] | UnsetType = UNSET
    host: HostDocument | UnsetType | None = UNSET
    streams: tuple[LatestStreamDocument, ...] | UnsetType = UNSET
    incidents: Annotated[tuple[IncidentDocument, ...] | UnsetType, about("All that are open.")] = UNSET


class DeltaDocument(Document, tag_field="type", tag="delta"):
    """Every later message: whole cameras that changed, ids of those that went, new events. Comes every `interval_s`."""

    instance: Instance
    generation: Generation
    time: CycleTime
    interval_s: Interval
    cameras: tuple[CameraDocument, ...] | UnsetType = UNSET
    removed: Annotated[tuple[str, ...] | UnsetType, about("Ids of cameras.")] = UNSET
    status: StatusDocument | UnsetType = UNSET
    events: tuple[EventDocument, ...] | UnsetType = UNSET
    host: HostDocument | UnsetType | None = UNSET
    streams: tuple[LatestStreamDocument, ...] | UnsetType = UNSET
    incidents: Annotated[
        tuple[IncidentDocument, ...] | UnsetType, about("All that are open; missing when nothing about them changed.")
    ] = UNSET
