"""The services that share the cameras, as documents: what each tells of itself, and what is shown of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from restream.domain.fleet.node import FleetNode, NodeName
from restream.domain.judgement.verdict import Health
from restream.interfaces.documents.cameras import CameraDocument
from restream.interfaces.documents.status import ComponentDocument, NodeState, StatusDocument, camera_counts
from restream.interfaces.documents.values import Document, Moment, Whole, about, encode, timestamp
from restream.ports.nodes import Peers

FORMAT = 1
"""As in adapters/stores/redis_peers.py."""


_MOST_LEASE_S = 1e9
"""One that is longer, or over for longer, somebody has set."""


class AboutNodeDocument(Document):
    """What a node tells the others of itself, in Redis."""

    format: int
    instance: str
    generation: int
    node: str
    version: str
    time: str
    health: Mapping[Health, Whole]
    components: Mapping[str, ComponentDocument]


class NodeDocument(Document):
    """One of the services that share the cameras. Null: not known."""

    name: Annotated[str, about("`node.name`.", "site-a")]
    state: Annotated[NodeState, about("", "alive")]
    heard: Annotated[Moment | None, about("When it last renewed its lease; of a lost one: since when it is lost.")]
    lease_s: Annotated[float | None, about("How long its lease lasts from now; negative: it is over.", 7.5)]
    cameras: Annotated[Whole, about("That it has.", 40)]
    shown: Annotated[Whole, about("Of those here that it tells of.", 40)]
    health: Annotated[Mapping[Health, Whole], about("Of those, by health.", {"healthy": 39, "down": 1})]
    down: Annotated[
        tuple[Annotated[str, about("", "redis")], ...] | None,
        about("Its components that are down, as it tells itself."),
    ]
    room: Annotated[Whole | None, about("How many more it would take; null: no limit.", 60)]
    weight: Annotated[float, about("Its share beside the others'.", 1.0)]
    sites: Annotated[tuple[Annotated[str, about("", "North")], ...], about("That it is near.")]
    version: Annotated[str, about("", "0.1.0")]
    cpu_percent: Annotated[float | None, about("Busy share of its host.", 37.5)]
    memory_percent: Annotated[float | None, about("Used share of its host's memory.", 42.0)]
    url: Annotated[str | None, about("Of its page: `nodes.url`.", "http://10.0.0.5:8000", format="uri")]
    problem: Annotated[str, about("Why its cameras are not shown here; empty when they are.", "")]


class NodesDocument(Document):
    """The services that share the cameras; none where this one has all of them."""

    observed: Annotated[Moment | None, about("When the leases were last looked at.")]
    nodes: Annotated[tuple[NodeDocument, ...], about("By name.")]


def about_node(own: StatusDocument) -> bytes:
    """JSON of what this node tells the others."""
    return encode(
        AboutNodeDocument(
            FORMAT, own.instance, own.generation, own.node, own.version, own.time, own.health, own.components
        )
    )


def of_all(own: StatusDocument, cameras: Collection[CameraDocument], peers: Peers) -> StatusDocument:
    """Our status, with the cameras of all nodes in it."""
    return replace(
        own, **camera_counts(cameras), nodes={name: state_of(peers.nodes[name]) for name in sorted(peers.nodes)}
    )


def state_of(node: FleetNode) -> NodeState:
    """By its lease."""
    if not node.alive:
        return NodeState.LOST
    return NodeState.DRAINING if node.draining else NodeState.ALIVE


def nodes_document(
    peers: Peers | None, cameras: Collection[CameraDocument], own: StatusDocument, now: float, wall: float
) -> NodesDocument:
    """`GET /api/nodes`; `now` is monotonic, `wall` the same moment in Unix time."""
    if peers is None:
        return NodesDocument(None, ())
    healths: dict[str, Counter[Health]] = {}
    for camera in cameras:
        healths.setdefault(camera.node, Counter())[camera.verdict.health] += 1
    seen_at = wall + peers.seen_at - now
    found = tuple(
        _node(peers.nodes[name], healths.get(name, Counter()), _tells(name, peers, own), peers, now, seen_at)
        for name in sorted(peers.nodes)
    )
    return NodesDocument(timestamp(seen_at), found)


class _Word(msgspec.Struct):
    """As much of AboutNodeDocument as is shown, of whatever version wrote it."""

    components: Mapping[str, ComponentDocument] = {}


def _tells(name: NodeName, peers: Peers, own: StatusDocument) -> tuple[tuple[str, ...] | None, str]:
    """Its components that are down, and why its cameras are not shown."""
    if name == peers.me:
        return _down(own.components), ""
    picture = peers.pictures.get(name)
    if picture is None:
        return None, "it tells nothing: it does not reach Redis, or we do not"
    if picture.problem:
        return None, picture.problem
    try:
        return _down(msgspec.json.decode(picture.about, type=_Word).components), ""
    except (ValueError, RecursionError):
        return None, ""


def _down(components: Mapping[str, ComponentDocument]) -> tuple[str, ...]:
    return tuple(sorted(name for name, each in components.items() if each.state == "down"))[:20]


def _node(
    node: FleetNode,
    health: Mapping[Health, int],
    tells: tuple[tuple[str, ...] | None, str],
    peers: Peers,
    now: float,
    seen_at: float,
) -> NodeDocument:
    traits, (down, problem) = node.traits, tells
    finite = abs(node.expires_in_s) < _MOST_LEASE_S
    return NodeDocument(
        name=node.name,
        state=state_of(node),
        heard=timestamp(seen_at + node.expires_in_s - node.ttl_s) if finite else None,
        lease_s=round(node.expires_in_s - (now - peers.seen_at), 1) if finite else None,
        cameras=len(peers.mine) if node.name == peers.me else traits.cameras,
        shown=sum(health.values()),
        health=dict(health),
        down=down,
        room=traits.room,
        weight=traits.weight,
        sites=tuple(sorted(traits.sites)),
        version=traits.version,
        cpu_percent=_percent(traits.facts.get("cpu_percent")),
        memory_percent=_percent(traits.facts.get("memory_percent")),
        url=page_of(node),
        problem="" if node.alive is False and down is None else problem,
    )


def page_of(node: FleetNode) -> str | None:
    """Where its page is, as it tells; what is no plain address of a web page is none."""
    url = node.traits.facts.get("url")
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or len(url) > 256:
        return None
    try:
        parts = urlsplit(url)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        return None
    plain = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and " " not in url
    return url.rstrip("/") if plain and port_is_one and not parts.query and not parts.fragment else None


def _percent(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100
    return round(float(value), 1) if number else None
