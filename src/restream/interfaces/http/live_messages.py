"""The messages of `/ws`, as one caller gets them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from msgspec import Raw

from restream.domain.access.caller import Caller
from restream.domain.news.incident import Incident
from restream.interfaces.documents.confined import cameras_for, events_for, incident_for, paths_for, status_for
from restream.interfaces.documents.messages import DeltaDocument, SnapshotDocument
from restream.interfaces.documents.rendering import Rendering
from restream.interfaces.documents.streams import latest_streams
from restream.interfaces.documents.values import encode
from restream.ports.outlets import EventRecord

FIRST_EVENTS = 100
"""So many of the newest are in the first message."""


OpenIncidents = Callable[[Callable[[Incident], Incident | None] | None], bytes]
"""JSON of the incidents that are open: the same object as long as nothing about them has changed. With a function each
as that makes it, or not at all."""


class Part(NamedTuple):
    """What of a cycle one caller sees; `before`: ids that he saw, where he sees some sites alone."""

    rendering: Rendering
    caller: Caller
    events: Sequence[EventRecord]
    incidents: OpenIncidents
    before: frozenset[str] | None = None


def snapshot_message(part: Part, topics: frozenset[str]) -> bytes:
    """Everything."""
    known = _topics(part, topics)
    if "events" in known:
        known["events"] = known["events"][-FIRST_EVENTS:]
    if "cameras" in topics:
        known["cameras"] = _cameras(part.rendering, cameras_for(part.caller, part.rendering.cameras))
    return encode(SnapshotDocument(*_head(part.rendering), **known))


def delta_message(part: Part, after: int, topics: frozenset[str]) -> bytes:
    """What changed after a generation."""
    known, rendering = _topics(part, topics), part.rendering
    if "cameras" in topics:
        changed, removed = rendering.changed_since(after), rendering.removed_since(after)
        if part.before is not None:
            seen = cameras_for(part.caller, rendering.cameras)
            changed, removed = [key for key in changed if key in seen], sorted(part.before - seen.keys())
        known["cameras"], known["removed"] = _cameras(rendering, changed), removed
    return encode(DeltaDocument(*_head(rendering), **known))


def _head(rendering: Rendering) -> tuple[str, int, str, float]:
    status = rendering.status
    return status.instance, status.generation, status.time, status.interval_s


def _cameras(rendering: Rendering, ids: Iterable[str]) -> Raw:
    """Cameras as they are encoded already."""
    return Raw(b"[" + b",".join([rendering.encoded[camera_id] for camera_id in ids]) + b"]")


def _topics(part: Part, topics: frozenset[str]) -> dict[str, Any]:
    """What messages of both kinds have in common, as far as it was asked for."""
    known: dict[str, Any] = {}
    rendering, caller = part.rendering, part.caller
    if "status" in topics:
        known["status"] = status_for(caller, rendering.status, rendering.cameras)
    if "events" in topics:
        known["events"] = events_for(caller, part.events, rendering.cameras)
    if "host" in topics:
        known["host"] = rendering.host
    if "streams" in topics:
        known["streams"] = latest_streams(rendering.snapshot.servers, paths_for(caller, rendering))
    if "incidents" in topics:
        cameras = rendering.cameras
        seen = None if caller.sites is None else lambda each: incident_for(caller, each, cameras)
        known["incidents"] = Raw(part.incidents(seen))
    return known
