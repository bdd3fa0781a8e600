"""Which node a camera belongs to: weighted rendezvous hashing, with pins, sites and room.

Every node computes it by itself, from the same rows, and comes to the same answer. A node that joins draws only what
it wins, one that leaves loses only what it had (Thaler and Ravishankar, 1998; weights as in Schindelhauer and
Schomaker, 2005).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

from restream.domain.fleet.node import FleetNode, NodeName

_BITS = 53
"""What a double holds."""


class Wish(NamedTuple):
    """What a row says of where its camera may be."""

    camera_id: str
    site: str | None = None
    pin: str | None = None
    """The one node that may have it."""


def home(wish: Wish, nodes: Iterable[FleetNode], owner: NodeName | None = None) -> NodeName | None:
    """The node that this camera belongs to among those that take any, and its owner; None: it has none, and waits."""
    best: tuple[bool, float] | None = None
    found: NodeName | None = None
    for node in nodes:
        open_to_it = node.keeps if node.name == owner else node.takes
        if not open_to_it or (wish.pin is not None and node.name != wish.pin):
            continue
        rank = (wish.site is not None and wish.site in node.traits.sites, score(wish.camera_id, node))
        if best is None or rank > best:
            best, found = rank, node.name
    return found


def score(camera_id: str, node: FleetNode) -> float:
    """How much a camera belongs to a node; with equal weights each of n nodes wins one of n cameras."""
    digest = blake2b(f"{node.name}\0{camera_id}".encode(), digest_size=8).digest()
    # In (0, 1): never 0, whose logarithm there is none of, nor 1, whose logarithm would divide by zero.
    draw = ((int.from_bytes(digest, "big") >> (64 - _BITS)) + 0.5) / (1 << _BITS)
    return -max(node.traits.weight, 1e-9) / math.log(draw)
