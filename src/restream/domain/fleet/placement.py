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
from functools import lru_cache
from hashlib import blake2b, shake_128
from typing import NamedTuple

from restream.domain.camera.camera import Camera
from restream.domain.fleet.node import FleetNode, NodeName

SLOTS = 1 << 14
_CHOICES = 8
_BITS = 53
"""What a double holds."""
_LEAST_WEIGHT, _MOST_WEIGHT = 1e-6, 1e6


class Wish(NamedTuple):
    """What a row says of where its camera may be."""

    camera_id: str
    site: str | None = None
    pin: str | None = None
    """The one node that may have it."""

    @classmethod
    def of(cls, camera: Camera) -> Wish:
        """As its row has it."""
        return cls(camera.id, camera.site, camera.options.node)


class _Taker(NamedTuple):
    name: NodeName
    weight: float
    sites: frozenset[str]

    def rank(self, slot: int, site: str | None) -> tuple[bool, float]:
        """The higher, the more a camera belongs here."""
        return site is not None and site in self.sites, self.weight * draws_of(self.name)[slot]


_Kind = tuple[int, str | None]
"""Slot and site: cameras of one kind belong together, but for pins."""


class Placement:
    """Answers for the nodes and rows it was shown last, and remembers what did not change."""

    def __init__(self) -> None:
        self._nodes: Mapping[NodeName, FleetNode] = {}
        self._choices: dict[tuple[_Taker, ...], _Choice] = {}
        self._choice = _Choice((), None)
        self._wishes: Mapping[str, Wish] = {}
        self._kinds: dict[_Kind, set[str]] = {}
        self._pinned: dict[str, set[str]] = {}

    def show(self, nodes: Mapping[NodeName, FleetNode]) -> None:
        """The nodes as they are now; only a change of who takes cameras, of weights or sites is work."""
        self._nodes = nodes
        # Where all are busy that says nothing, and a camera that runs slowly is better than none.
        ready = [name for name, node in nodes.items() if node.takes] or [
            n for n, node in nodes.items() if node.has_room
        ]
        takers = tuple(_taker(nodes[name]) for name in sorted(ready))
        if takers == self._choice.takers:
            return
        # Room and draining go to and fro: a few choices are kept.
        found = self._choices.pop(takers, None) or _Choice(takers, self._choice)
        self._choices[takers] = self._choice = found
        if len(self._choices) > _CHOICES:
            del self._choices[next(iter(self._choices))]

    def want(self, wishes: Mapping[str, Wish]) -> None:
        """The rows that are wanted; a mapping that was shown is not changed any more."""
        if wishes is self._wishes:
            return
        old, self._wishes = self._wishes, wishes
        for key, wish in old.items():
            if wishes.get(key) != wish:
                self._like(wish).discard(key)
        for key, wish in wishes.items():
            if old.get(key) != wish:
                self._like(wish).add(key)
        for choice in (self._choice, *self._choices.values()):
            choice.belongings = None

    def belonging(self, name: NodeName) -> set[str]:
        """Cameras whose home a node is, whoever has them."""
        if self._choice.belongings is None:
            self._choice.belongings = self._belongings()
        pinned = self._pinned.get(name, ())
        return {*self._choice.belongings.get(name, ()), *(pinned if self._takes(name) else ())}

    def home(self, wish: Wish, owner: NodeName | None = None) -> NodeName | None:
        """The node a camera belongs to among those that take any, and its owner; None: it has none, and waits."""
        had = self._nodes.get(owner) if owner is not None else None
        kept = had if had is not None and had.keeps else None
        if wish.pin is not None:
            pin = NodeName(wish.pin)
            return pin if self._takes(pin) or (kept is not None and kept.name == pin) else None
        slot, site = kind = _kind(wish)
        best = self._choice.best(kind)
        if kept is None or kept.name in self._choice.names:
            return best.name if best is not None else None
        keeper = _taker(kept)
        return best.name if best is not None and best.rank(slot, site) > keeper.rank(slot, site) else keeper.name

    def _takes(self, name: NodeName) -> bool:
        return name in self._nodes and self._nodes[name].has_room

    def _like(self, wish: Wish) -> set[str]:
        if wish.pin is not None:
            return self._pinned.setdefault(wish.pin, set())
        return self._kinds.setdefault(_kind(wish), set())

    def _belongings(self) -> dict[NodeName, list[str]]:
        found: dict[NodeName, list[str]] = {}
        for kind, cameras in self._kinds.items():
            best = self._choice.best(kind)
            if best is not None:
                found.setdefault(best.name, []).extend(cameras)
        return found


class _Choice:
    """The best of some takers for each kind of camera, found when it is first asked for."""

    def __init__(self, takers: tuple[_Taker, ...], before: _Choice | None) -> None:
        self.takers = takers
        self.names = frozenset(each.name for each in takers)
        self.belongings: dict[NodeName, list[str]] | None = None
        self._draws = [(each.weight, draws_of(each.name)) for each in takers]
        self._found: dict[_Kind, _Taker | None] = {}
        # Of those before, the best is still the best of those that stayed, if it stayed.
        stayed = set(takers) & set(before.takers if before is not None else ())
        self._earlier = {k: v for k, v in before._found.items() if v in stayed} if before is not None else {}
        self._joined = [each for each in takers if each not in stayed]

    def best(self, kind: _Kind) -> _Taker | None:
        """Of two alike the first."""
        if kind not in self._found:
            self._found[kind] = self._find(kind)
        return self._found[kind]

    def _find(self, kind: _Kind) -> _Taker | None:
        slot, site = kind
        earlier = self._earlier.pop(kind, None)
        if earlier is not None:
            return max((earlier, *self._joined), key=lambda each: each.rank(slot, site))
        if site is not None and any(site in each.sites for each in self.takers):
            return max(self.takers, key=lambda each: each.rank(slot, site))
        scores = [weight * draws[slot] for weight, draws in self._draws]
        return self.takers[scores.index(max(scores))] if scores else None


def _taker(node: FleetNode) -> _Taker:
    return _Taker(node.name, min(max(_LEAST_WEIGHT, node.traits.weight), _MOST_WEIGHT), node.traits.sites)


@lru_cache(maxsize=1 << 18)
def slot_of(camera_id: str) -> int:
    """Which of the slots is a camera's."""
    digest = blake2b(camera_id.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest, "big") % SLOTS


def _kind(wish: Wish) -> _Kind:
    return slot_of(wish.camera_id), wish.site


@lru_cache(maxsize=512)
def draws_of(name: NodeName) -> array[float]:
    """How much each slot belongs to a node of weight one; with equal weights each of n nodes wins one of n."""
    draws = struct.unpack(f"<{SLOTS}Q", shake_128(name.encode("utf-8", "surrogatepass")).digest(8 * SLOTS))
    log, shift, scale = math.log, 64 - _BITS, 1 / (1 << _BITS)
    # In (0, 1): never 0, whose logarithm there is none of, nor 1, whose logarithm would divide by zero.
    return array("d", [-1.0 / log(((draw >> shift) + 0.5) * scale) for draw in draws])
