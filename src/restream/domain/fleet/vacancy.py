"""Why a camera that several nodes share has none of them, as the node that leads knows it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from restream.domain.fleet.node import FleetNode, NodeName
from restream.domain.fleet.placement import Wish
from restream.domain.fleet.share import View
from restream.domain.server.api_trouble import Words

_SETTLING_S = 15.0
"""A camera that is new, or was given back, is taken within so long: a few heartbeats, and a report of it."""


class Vacancy(StrEnum):
    """Why nobody has it."""

    LOST = "node_lost"
    """Whoever had it is not heard of, and nobody has taken it over yet."""
    PINNED = "pinned_away"
    """Its row names the one node that may have it, which is not there or takes none."""
    UNTAKEN = "not_taken"
    """No node has room, or all are drained."""

    @property
    def words(self) -> Words:
        """How to tell of it; the text follows "no node has it: "."""
        return _WORDS[self]


_WORDS: Mapping[Vacancy, Words] = {
    Vacancy.LOST: Words(
        "the one that had it is lost, and another takes it over",
        "It returns by itself within seconds. If it does not: the other nodes have no room, or the media server shows "
        "that it is still published.",
    ),
    Vacancy.PINNED: Words(
        "the one that its row asks for is not there, or takes none",
        "Start that node, end its draining, or change options.node of this row.",
    ),
    Vacancy.UNTAKEN: Words(
        "none takes it",
        "Look at the nodes: they are full (nodes.capacity) or drained. Add one, or let them take more.",
    ),
}


@dataclass(frozen=True, slots=True)
class Vacancies:
    """Cameras that nobody has, and since when that is seen (monotonic, s)."""

    since: Mapping[str, float] = field(default_factory=dict)

    def seen(self, wishes: Mapping[str, Wish], had: Collection[str], now: float) -> Vacancies:
        """What is wanted, and told by nobody."""
        return Vacancies({key: self.since.get(key, now) for key in wishes if key not in had})

    def at(self, view: View, wishes: Mapping[str, Wish], now: float) -> Mapping[str, Vacancy]:
        """Which cameras are told of, and why nobody has them."""
        return {
            key: why
            for key, since in self.since.items()
            if key in wishes
            and (why := _why(view, wishes[key])) is not None
            and (why is Vacancy.LOST or now - since >= _SETTLING_S)
        }


def _why(view: View, wish: Wish) -> Vacancy | None:
    holding = view.holdings.get(wish.camera_id)
    owner = view.nodes.get(holding.node) if holding is not None else None
    if owner is not None:
        return None if owner.alive else Vacancy.LOST
    if wish.pin is not None and not _takes(view.nodes.get(NodeName(wish.pin))):
        return Vacancy.PINNED
    return Vacancy.UNTAKEN


def _takes(node: FleetNode | None) -> bool:
    return node is not None and node.has_room
