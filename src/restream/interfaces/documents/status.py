"""The fleet and the service in one cycle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from msgspec import UNSET, UnsetType

from restream.domain.judgement.snapshot import Snapshot
from restream.domain.judgement.verdict import Health
from restream.domain.life.cause import Side
from restream.domain.news.component import Component, ComponentState
from restream.interfaces.documents.cameras import CameraDocument, PhaseName
from restream.interfaces.documents.streams import observed_at
from restream.interfaces.documents.values import Document, Moment, Whole, about, timestamp


class ComponentDocument(Document):
    """Something the service depends on."""

    state: Annotated[ComponentState, about("", "up")]
    since: Moment
    detail: Annotated[str, about("What an operator should read about it.")]


Instance = Annotated[str, about("Of this start of the service: generations of another one do not compare.", "9f3a01c2")]
Generation = Annotated[Whole, about("Rises with every cycle.", 4711)]
CycleTime = Annotated[Moment, about("Of the cycle.")]
Interval = Annotated[float, about("Between two cycles.", 2.0)]


class MediaServerDocument(Document):
    """One of the media servers, as its sweeps have shown it."""

    fresh: Annotated[bool, about("False: it does not answer, these are its last data.", True)]
    observed: Annotated[Moment | None, about("When it last answered.")]
    paths: Annotated[Whole, about("That have a publisher.", 60)]
    cameras: Annotated[Whole, about("That belong to it.", 60)]


class StartWindowDocument(Document):
    """How many cameras start at once: what admission has found by itself, within the limits of the configuration."""

    window: Annotated[Whole, about("So many may start at once now.", 16)]
    starting: Annotated[Whole, about("So many do.", 0)]
    slowed_hosts: Annotated[Whole, about("Camera hosts that refused, and get fewer at once than usual for now.", 0)]


class NodeState(StrEnum):
    """How a node is, by its lease."""

    ALIVE = "alive"
    DRAINING = "draining"
    """It gives its cameras away, and takes none."""
    LOST = "lost"
    """Its lease has expired: nothing is heard of it, or it was ended."""


class StatusDocument(Document):
    """The fleet and the service in one cycle."""

    node: Annotated[str, about("`node.name`, else the name of the host.", "site-a")]
    version: Annotated[str, about("", "0.1.0")]
    instance: Instance
    generation: Generation
    time: CycleTime
    uptime_s: Annotated[float, about("", 86400.5)]
    interval_s: Interval
    stopping: Annotated[bool, about("", False)]
    cameras: Annotated[Whole, about("", 60)]
    health: Annotated[Mapping[Health, Whole], about("Cameras by health.", {"healthy": 58, "down": 2})]
    phase: Annotated[Mapping[PhaseName, Whole], about("Cameras by phase.", {"running": 58, "backoff": 2})]
    fault: Annotated[Mapping[Side, Whole], about("Cameras by fault.", {"none": 58, "camera": 2})]
    start_queue: Annotated[Whole, about("Cameras that wait for admission.")]
    start_window: StartWindowDocument
    observed: Annotated[
        Moment | None, about("When the media server last answered; of several, the one that answered longest ago.")
    ]
    components: Annotated[
        Mapping[str, ComponentDocument],
        about("By name: `database`, `mediamtx`, and every store that is configured."),
    ]
    servers: Annotated[Mapping[str, MediaServerDocument], about("The media servers by name.")]
    nodes: Annotated[
        Mapping[str, NodeState] | UnsetType,
        about(
            "The services that share the cameras, by name; missing where this one has all of them.", {"site-a": "alive"}
        ),
    ] = UNSET


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What does not change while the service runs."""

    node: str
    version: str
    instance: str
    """Of this start of the service: generations of another one do not compare."""
    started: float
    """When the service started (monotonic, s)."""
    interval_s: float
    shares: bool = False
    """Other services may have part of the cameras."""


def status(facts: ServiceFacts, snapshot: Snapshot, cameras: Collection[CameraDocument]) -> StatusDocument:
    """`GET /api/status`."""
    observed = observed_at(snapshot.servers)
    return StatusDocument(
        node=facts.node,
        version=facts.version,
        instance=facts.instance,
        generation=snapshot.generation,
        time=timestamp(snapshot.taken_at),
        uptime_s=round(snapshot.now - facts.started, 1),
        interval_s=facts.interval_s,
        stopping=snapshot.draining,
        **camera_counts(cameras),
        start_queue=snapshot.starts.waiting,
        start_window=StartWindowDocument(
            snapshot.starts.window, snapshot.starts.starting, snapshot.starts.slowed_hosts
        ),
        observed=timestamp(snapshot.wall(observed)) if observed is not None else None,
        components=components_document(snapshot, snapshot.components),
        servers=_servers(snapshot, Counter(camera.media_server for camera in cameras)),
    )


def _servers(snapshot: Snapshot, cameras: Mapping[str | None, int]) -> Mapping[str, MediaServerDocument]:
    return {
        server: MediaServerDocument(
            picture.fresh_since is not None,
            None if picture.observed_at is None else timestamp(snapshot.wall(picture.observed_at)),
            picture.live,
            cameras.get(server, 0),
        )
        for server, picture in snapshot.servers.items()
    }


N = TypeVar("N", bound=str)


def camera_counts(cameras: Collection[CameraDocument]) -> dict[str, Any]:
    """The keys that count cameras."""
    verdicts = [camera.verdict for camera in cameras]
    return {
        "cameras": len(cameras),
        "health": _counts(verdict.health for verdict in verdicts),
        "phase": _counts(camera.phase for camera in cameras),
        "fault": _counts(verdict.fault for verdict in verdicts),
    }


def _counts(values: Iterable[N]) -> Mapping[N, int]:
    """How many of each; what there is none of is left out."""
    return dict(Counter(values))


def components_document(snapshot: Snapshot, components: Mapping[str, Component]) -> Mapping[str, ComponentDocument]:
    """States of components, by the clocks of a snapshot."""
    return {
        name: ComponentDocument(part.state, timestamp(snapshot.wall(part.since)), part.detail)
        for name, part in components.items()
    }
