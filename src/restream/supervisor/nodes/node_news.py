"""What the node that leads tells of the others: each is a component, which is down while the node is lost."""

from __future__ import annotations

from collections.abc import Collection

from restream.domain.fleet.node import FleetNode, Sighting, node_component
from restream.domain.fleet.share import View
from restream.domain.news.component import ComponentState
from restream.supervisor.components import Components

_REMEMBERED_S = 3600.0
"""A lost node whose cameras all are elsewhere is an incident for so long: it may have been replaced for good."""
_LOST = (
    "nothing was heard of it for {silent_s:.0f} s, {held} cameras are still its; the other nodes take them over. "
    "Look at its host, its service, and its way to the database of the nodes."
)


class NodeNews:
    """Keeps the components of other nodes; one node does so for all, so that a lost node is told of once."""

    def __init__(self, components: Components) -> None:
        self._components = components
        self._told: set[str] = set()

    def tell(self, view: View, lost: Collection[Sighting]) -> None:
        """After a look into the database."""
        others = [node for node in view.nodes.values() if node.name != view.me] if view.leads else []
        told = {name for node in others if (name := self._tell(view, node, node.sighting in lost)) is not None}
        for name in self._told - told:
            self._components.forget(name)
        self._told = told

    def _tell(self, view: View, node: FleetNode, is_lost: bool) -> str | None:
        """The component, if there is one: a node that has ended as it should, or long ago, is none."""
        name = node_component(node.name)
        if node.alive:
            self._components.report(name, ComponentState.UP, "")
            return name
        held = sum(holding.node == node.name for holding in view.holdings.values())
        was_down = self._components.state(name) is ComponentState.DOWN
        if not (held or (was_down and -node.expires_in_s < _REMEMBERED_S)):
            return None
        if is_lost:
            words = _LOST.format(silent_s=node.ttl_s - node.expires_in_s, held=held)
            self._components.report(name, ComponentState.DOWN, words)
        # Before that its lease is over, but it has not stood still for long enough to be sure.
        return name if is_lost or name in self._told else None
