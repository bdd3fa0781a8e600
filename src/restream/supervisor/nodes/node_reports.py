"""What one node tells of the others, for all: which are lost."""

from __future__ import annotations

from restream.domain.fleet.node import NodeName, Sighting
from restream.domain.fleet.share import View
from restream.domain.news.component import ComponentState
from restream.supervisor.components import Components


class NodeReports:
    """A component for each of the others, as long as that is our duty."""

    def __init__(self, components: Components) -> None:
        self._components = components
        self._told_of: frozenset[NodeName] = frozenset()

    def tell(self, view: View, lost: frozenset[Sighting]) -> None:
        """What a look has shown; where the duty is another's, what we knew is old and forgotten."""
        others = [node for node in view.nodes.values() if view.leads and node.name != view.me and not node.ended]
        names = frozenset(node.name for node in others)
        for gone in self._told_of - names:
            self._components.forget(_component(gone))
        self._told_of = names
        for node in others:
            held = sum(holding.node == node.name for holding in view.holdings.values())
            name = _component(node.name)
            if node.alive:
                self._components.report(name, ComponentState.UP, "")
            elif node.sighting in lost and (held or self._components.state(name) is ComponentState.UP):
                silent_s = node.ttl_s - node.expires_in_s
                words = f"nothing was heard of it for {silent_s:.0f} s; {held} cameras are still its"
                self._components.report(name, ComponentState.DOWN, words)


def _component(node: NodeName) -> str:
    return f"node:{node}"
