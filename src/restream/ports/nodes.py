"""The tables through which several services share the cameras, as verbs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from restream.domain.fleet.node import FleetNode, NodeName, NodeTraits
from restream.domain.fleet.share import Decision, View


class LeaseTable(Protocol):
    """Nodes, who has which camera, and duties that one node has for all. All times are the database's.

    Every verb is bounded in time, and raises DatabaseError (`ports.cameras`).
    """

    async def beat(self, me: NodeName, instance: str, traits: NodeTraits, ttl_s: float) -> View | None:
        """Renew our lease for `ttl_s` from now, and look around.

        None: another life of a service of our name has begun since; this one has nothing any more. The first beat of
        an instance takes the name over, with all that it had. Each beat adds one to the row's `renewals`, which tells
        one renewal from all others. A lease that ends later than its own ttl from now, by a clock that was set back,
        is shortened to that.
        """

    async def settle(self, me: NodeName, instance: str, decision: Decision) -> frozenset[str]:
        """Carry out a decision; tells which cameras were taken.

        Taken is what nobody has, whose owner has no row, or whose owner is still as `decision.lost` shows it: its row
        is locked and compared, no clock is asked. Each gets a new epoch, from one sequence. Nothing is taken by a node
        whose own lease is not valid. What is given back or forgotten is ours and of the epoch that was seen: a
        statement that arrives late changes nothing.
        """

    async def leave(self, me: NodeName, instance: str) -> None:
        """Give everything back, and end our lease."""

    async def drain(self, name: NodeName, *, draining: bool) -> bool:
        """Have a node give its cameras away, or no longer; False: there is no such node."""

    async def close(self) -> None:
        """Let go of connections; never raises."""


@dataclass(frozen=True, slots=True)
class PeerPicture:
    """What another node has written of its cameras, as it came: another version may have written it."""

    instance: str
    """One life of its service."""
    generation: int
    """Of its latest cycle here."""
    about: bytes = b""
    """JSON of what it tells of itself."""
    cameras: Mapping[str, bytes] = field(default_factory=dict)
    """JSON by camera id; what has not changed is the same object as before."""
    problem: str = ""
    """Why nothing of it can be used; one line."""


class PeerReader(Protocol):
    """Reads what other nodes have written of their cameras."""

    async def look(self, names: Collection[NodeName]) -> Mapping[NodeName, PeerPicture]:
        """The pictures of those that have one now; one that has not changed is the same object as before.

        Raises SinkError (`ports.outlets`).
        """

    async def close(self) -> None:
        """Let go of connections; never raises."""


class NodeError(Exception):
    """Another node could not be asked, or what it answers is no answer; one line, without credentials."""


class NodeAnswer(NamedTuple):
    """What another node answered over HTTP."""

    status: int
    body: bytes


class NodeCaller(Protocol):
    """Asks other nodes over HTTP, in our name. `page` is the address of a node's page (`nodes.url`)."""

    async def get(self, page: str, camera_id: str, what: str = "") -> NodeAnswer:
        """What it tells of a camera: everything, or one thing (`snapshot.jpg`). Bounded. Raises NodeError."""

    async def post(self, page: str, camera_id: str, action: str) -> NodeAnswer:
        """Ask for something to be done with a camera. Bounded. Raises NodeError."""

    async def act(self, page: str, asked: bytes) -> NodeAnswer:
        """Ask for something to be done with many cameras, as `POST /api/actions`. Bounded. Raises NodeError."""

    async def close(self) -> None:
        """Let go of connections; never raises."""


class Peers(NamedTuple):
    """The nodes that share the cameras, as this one sees them at one moment."""

    me: NodeName
    mine: frozenset[str]
    """Ids of the cameras that are ours."""
    nodes: Mapping[NodeName, FleetNode]
    """All of them, this one too."""
    seen_at: float
    """When they were looked at (monotonic, s)."""
    pictures: Mapping[NodeName, PeerPicture]
    """Of those others that tell."""
    leads: bool = False
    """Whether this node has the duties that one has for all."""
