"""Which node a camera belongs to: weighted rendezvous hashing, with pins, sites and room.

Every node computes it by itself, from the same rows, and comes to the same answer. A node that joins draws only what
it wins, one that leaves loses only what it had (Thaler and Ravishankar, 1998; weights as in Schindelhauer and
Schomaker, 2005). Cameras share slots, so that a node that joins costs one number a slot, not one a camera.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Mapping
from hashlib import blake2b, shake_128
from typing import NamedTuple

from restream.domain.fleet.node import FleetNode, NodeName

SLOTS = 1 << 15
_BITS = 53
"""What a double holds."""
_LEAST_WEIGHT, _MOST_WEIGHT = 1e-6, 1e6


class Wish(NamedTuple):
    """What a row says of where its camera may be."""

    camera_id: str
    site: str | None = None
    pin: str | None = None
    """The one node that may have it."""


class Placement:
    """Answers for the nodes it was shown last, and remembers what did not change."""

    def __init__(self) -> None:
        self._nodes: dict[NodeName, FleetNode] = {}
        self._takers: tuple[NodeName, ...] = ()
        self._scores: dict[NodeName, tuple[float, array[float]]] = {}
        self._best: dict[tuple[int, str | None], NodeName | None] = {}
        self._slots: dict[str, int] = {}
        self._key: object = None

    def show(self, nodes: Mapping[NodeName, FleetNode]) -> None:
        """The nodes as they are now; only a change of who takes cameras, weights or sites is work."""
        self._nodes = dict(nodes)
        takers = tuple(sorted(name for name, node in nodes.items() if node.takes))
        for name in self._scores.keys() - nodes.keys():
            del self._scores[name]
        for name, node in nodes.items():
            if name not in self._scores or self._scores[name][0] != node.traits.weight:
                self._scores[name] = (node.traits.weight, _scores(node))
        key = tuple((name, nodes[name].traits.weight, nodes[name].traits.sites) for name in takers)
        if key != self._key:
            self._key, self._takers, self._best = key, takers, {}

    def home(self, wish: Wish, owner: NodeName | None = None) -> NodeName | None:
        """The node a camera belongs to among those that take any, and its owner; None: it has none, and waits."""
        kept = owner if owner is not None and owner in self._nodes and self._nodes[owner].keeps else None
        if wish.pin is not None:
            return next((name for name in (kept, *self._takers) if name == wish.pin), None)
        slot = self._slot(wish.camera_id)
        best = self._best_taker(slot, wish.site)
        if kept is None or best is None:
            return kept if best is None else best
        return max(best, kept, key=lambda name: self._rank(name, slot, wish.site))

    def _best_taker(self, slot: int, site: str | None) -> NodeName | None:
        key = (slot, site)
        if key not in self._best:
            self._best[key] = max(self._takers, key=lambda name: self._rank(name, slot, site), default=None)
        return self._best[key]

    def _rank(self, name: NodeName, slot: int, site: str | None) -> tuple[bool, float]:
        return site is not None and site in self._nodes[name].traits.sites, self._scores[name][1][slot]

    def _slot(self, camera_id: str) -> int:
        found = self._slots.get(camera_id)
        if found is None:
            digest = blake2b(camera_id.encode("utf-8", "surrogatepass"), digest_size=4).digest()
            found = self._slots[camera_id] = int.from_bytes(digest, "big") % SLOTS
        return found

    def retain(self, wishes: Mapping[str, Wish]) -> None:
        """Forget cameras that are no longer wished for, when they are many."""
        if len(self._slots) > 2 * len(wishes) + 1000:
            self._slots = {key: slot for key, slot in self._slots.items() if key in wishes}


def _scores(node: FleetNode) -> array[float]:
    """How much each slot belongs to a node; with equal weights each of n nodes wins one of n."""
    draws = struct.unpack(f"<{SLOTS}Q", shake_128(node.name.encode("utf-8", "surrogatepass")).digest(8 * SLOTS))
    weight, log = -min(max(_LEAST_WEIGHT, node.traits.weight), _MOST_WEIGHT), math.log
    # In (0, 1): never 0, whose logarithm there is none of, nor 1, whose logarithm would divide by zero.
    shift, offset, scale = 64 - _BITS, 0.5, 1 / (1 << _BITS)
    return array("d", [weight / log(((draw >> shift) + offset) * scale) for draw in draws])
