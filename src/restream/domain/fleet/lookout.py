"""Which nodes are lost: those whose lease stood still for its whole ttl by our own clock, while we looked.

The database's clock may be set, so that it proves nothing. A renewal that we saw was sent before we saw it: when its
ttl has passed for us, it has passed for its owner. What is taken is bound to that renewal (`Decision.lost`), so that
one which came meanwhile wins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from restream.domain.fleet.node import FleetNode, NodeName, Sighting

_DRIFT = 1.001
"""How much faster our clock may go than another's; NTP slews by 0.0005."""


@dataclass(frozen=True, slots=True)
class Lookout:
    """Since when each lease has stood still, in seconds of our monotonic clock."""

    since: Mapping[Sighting, float] = field(default_factory=dict)
    looked_at: float = -math.inf

    def looked(self, nodes: Mapping[NodeName, FleetNode], answered_at: float) -> Lookout:
        """What was seen by a look whose answer came at this moment.

        Whoever has not looked for a whole ttl begins anew: the database was away for the others too, perhaps.
        """
        since = {
            node.sighting: self.since.get(node.sighting, answered_at)
            if answered_at - self.looked_at < node.ttl_s
            else answered_at
            for node in nodes.values()
        }
        return Lookout(since, answered_at)

    def lost(self, nodes: Mapping[NodeName, FleetNode], sent_at: float) -> frozenset[Sighting]:
        """Whom a look that was sent at this moment shows to be lost."""
        return frozenset(
            node.sighting
            for node in nodes.values()
            if not node.alive and sent_at >= self.since.get(node.sighting, sent_at) + node.ttl_s * _DRIFT
        )

    def due(self, nodes: Mapping[NodeName, FleetNode], me: NodeName) -> float:
        """When the next of the others would show to be lost, if nothing is heard of it until then."""
        others = (node for node in nodes.values() if node.name != me and node.sighting in self.since)
        moments = (self.since[node.sighting] + node.ttl_s * _DRIFT for node in others)
        return min((moment for moment in moments if moment > self.looked_at), default=math.inf)
