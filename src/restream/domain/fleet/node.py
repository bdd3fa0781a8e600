"""The services that share a table of cameras, as the tables of leases tell of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, NewType

NodeName = NewType("NodeName", str)

NOBODY = NodeName("")
"""In place of an owner: the camera was given back."""


def node_component(name: str) -> str:
    """A node's name as a component."""
    return f"node:{name}"


@dataclass(frozen=True, slots=True)
class NodeTraits:
    """What a node tells of itself with every heartbeat."""

    cameras: int = 0
    """How many it holds."""
    room: int | None = None
    """How many more it would take, as its own measurements allow; None: there is no limit."""
    weight: float = 1.0
    """Its share beside the others'."""
    sites: frozenset[str] = frozenset()
    """Sites that it is near: their cameras come here first."""
    version: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    """For whoever looks: load, address of its page. Nothing is decided by them."""
    busy: bool = False
    """Its host has enough to do: others come first."""


class Sighting(NamedTuple):
    """One renewal of a node's lease; no two are equal."""

    node: NodeName
    instance: str
    renewals: int


@dataclass(frozen=True, slots=True)
class FleetNode:
    """A node at one moment, by the clock of the database."""

    name: NodeName
    instance: str
    """One life of its service."""
    expires_in_s: float
    """Of its lease; negative: it has expired so long ago."""
    draining: bool = False
    """It gives its cameras away, and takes none."""
    traits: NodeTraits = NodeTraits()
    renewals: int = 0
    """How often its lease has been renewed, in all its lives: while this stands still, nothing is heard of it."""
    ttl_s: float = 9.0
    """How long it counts on a renewal."""

    @property
    def sighting(self) -> Sighting:
        """Its lease as it is seen now."""
        return Sighting(self.name, self.instance, self.renewals)

    @property
    def alive(self) -> bool:
        """Its lease is valid."""
        return self.expires_in_s > 0

    @property
    def takes(self) -> bool:
        """Whether a camera may go there now, while there is another place for it."""
        return self.has_room and not self.traits.busy

    @property
    def has_room(self) -> bool:
        """Whether a camera may go there if need be."""
        return self.keeps and (self.traits.room is None or self.traits.room > 0)

    @property
    def keeps(self) -> bool:
        """Whether what it has may stay there."""
        return self.alive and not self.draining


class Holding(NamedTuple):
    """Who has a camera."""

    camera_id: str
    node: NodeName
    epoch: int
    """Rises with every owner, and never comes again: not even after the camera was forgotten."""
    age_s: float = 0.0
    """Since when it is so, by the clock of the database."""
