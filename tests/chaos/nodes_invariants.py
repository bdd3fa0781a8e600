"""What must hold of several nodes together, beyond what holds of each of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.chaos.invariants import Rest, Sight

OVERLAP_S = 3.5
"""How long two may publish one camera: a cycle of 2 s in which a node sees it, a heartbeat of 1 s, a look of ours."""


@dataclass(frozen=True)
class FleetSight:
    """All nodes at one moment, from outside."""

    nodes: Mapping[str, Sight]
    """Of those that answered."""
    publishers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Pids of our ffmpegs by server and path, but for suspended ones."""
    surplus: Mapping[int, int] = field(default_factory=dict)
    """Clients that a camera plays to beyond the rows that show it."""


@dataclass(frozen=True)
class FleetRest:
    """All nodes once the dust has settled."""

    sight: FleetSight
    together: Rest
    """What they tell, as if it were one service."""
    assigned: Mapping[str, str]
    """Who has which camera, as the database tells."""


def own_cameras(node: str, picture: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of what a node tells, what it has itself."""
    return [camera for camera in picture["cameras"] if camera["node"] == node and camera["phase"] != "disabled"]


def alone(node: str, sight: Sight) -> Sight:
    """What a node tells of itself and of what it has."""
    return replace(sight, picture={**sight.picture, "cameras": own_cameras(node, sight.picture)})


def claims(sight: FleetSight) -> dict[str, list[str]]:
    """Which nodes say of themselves that they run a camera, by its id."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, each in sight.nodes.items():
        for camera in own_cameras(name, each.picture):
            if camera["phase"] == "running":
                found[camera["id"]].append(name)
    return found


def two_publishers(sight: FleetSight) -> Iterator[str]:
    return (f"two publishers on {path}" for path, pids in sight.publishers.items() if len(pids) > 1)


def two_clients(sight: FleetSight) -> Iterator[str]:
    """Whatever the engine."""
    return (f"camera {camera} plays to more clients than rows show it" for camera in sight.surplus)


def two_claims(sight: FleetSight) -> Iterator[str]:
    return (f"camera {key} is run by several nodes" for key, names in claims(sight).items() if len(names) > 1)


OVERLAPS: tuple[Callable[[FleetSight], Iterator[str]], ...] = (two_publishers, two_clients, two_claims)


class Lasting:
    """What was seen at every look for longer than it may last."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._since: dict[str, float] = {}
        self.longest_s = 0.0

    def look(self, found: Iterable[str], now: float) -> Iterator[str]:
        """What of this has lasted too long."""
        self._since = {each: self._since.get(each, now) for each in found}
        for each, since in self._since.items():
            self.longest_s = max(self.longest_s, now - since)
            if now - since > self._limit_s:
                yield f"{each}, for {now - since:.1f} s"

    def forget(self) -> None:
        """Nobody looked meanwhile."""
        self._since = {}

    def __bool__(self) -> bool:
        """Whether there is any now."""
        return bool(self._since)


def one_node_has_each(rest: FleetRest) -> Iterator[str]:
    shown = Counter(
        camera["id"] for name, each in rest.sight.nodes.items() for camera in own_cameras(name, each.picture)
    )
    for key in sorted(rest.together.wanted | shown.keys()):
        if shown[key] != (key in rest.together.wanted):
            yield f"camera {key} is shown by {shown[key]} nodes"


def leases_are_what_is_told(rest: FleetRest) -> Iterator[str]:
    told = {key: names[0] for key, names in claims(rest.sight).items()}
    differing = {key: (rest.assigned.get(key), told.get(key)) for key in rest.assigned.keys() | told.keys()}
    differing = {key: pair for key, pair in differing.items() if pair[0] != pair[1]}
    if differing:
        yield f"leases and nodes differ (camera: lease, node): {differing}"


def nodes_show_the_same(rest: FleetRest) -> Iterator[str]:
    """Of rows that are switched off each node tells as of its own."""
    shown = {
        name: {(camera["id"], camera["node"], camera["phase"]) for camera in each.cameras.values()}
        for name, each in rest.sight.nodes.items()
    }
    first = min(shown)
    for name, cameras in shown.items():
        differing = {camera for camera in cameras ^ shown[first] if camera[2] != "disabled"}
        if differing:
            yield f"{first} and {name} do not both show {sorted(differing)}"


def nothing_overlaps(rest: FleetRest) -> Iterator[str]:
    for overlap in OVERLAPS:
        yield from overlap(rest.sight)


FLEET_AT_REST: tuple[Callable[[FleetRest], Iterator[str]], ...] = (
    one_node_has_each,
    leases_are_what_is_told,
    nodes_show_the_same,
    nothing_overlaps,
)
