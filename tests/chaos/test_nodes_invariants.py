"""Every invariant of several nodes can be broken, and says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from tests.chaos.invariants import Rest, Sight
from tests.chaos.nodes_faults import NODE_FAULTS
from tests.chaos.nodes_invariants import FLEET_AT_REST, OVERLAPS, FleetRest, FleetSight, Lasting, claims
from tests.chaos.schedule import rounds


def _camera(key: str, node: str, phase: str = "running") -> dict[str, Any]:
    return {"id": key, "node": node, "phase": phase}


def _sight(**cameras: list[dict[str, Any]]) -> FleetSight:
    return FleetSight({name: Sight({"cameras": shown}) for name, shown in cameras.items()})


_SHOWN = [_camera("1", "north"), _camera("2", "south")]
_WELL = replace(
    _sight(north=[*_SHOWN, _camera("3", "north", "disabled")], south=_SHOWN),
    publishers={"default cam1": (11,), "second cam2": (12,)},
)
_REST = FleetRest(
    _WELL, Rest(Sight({}), frozenset({"1", "2"}), {}, frozenset(), {}, {}, {}), {"1": "north", "2": "south"}
)

BROKEN_SIGHTS = {
    "two publishers on one path": replace(_WELL, publishers={"default cam1": (11, 13)}),
    "a camera plays to two": replace(_WELL, surplus={1: 1}),
    "two nodes run a camera": _sight(north=[_camera("1", "north")], south=[_camera("1", "south")]),
}
BROKEN_RESTS = {
    "nobody has a camera": replace(_REST, sight=_sight(north=[_camera("1", "north")])),
    "somebody has a camera that is not wanted": replace(
        _REST,
        sight=_sight(north=[_camera("1", "north"), _camera("9", "north", "waiting")], south=[_camera("2", "south")]),
    ),
    "another node has the lease": replace(_REST, assigned={"1": "south", "2": "south"}),
    "nobody has the lease": replace(_REST, assigned={"1": "north"}),
    "a lease of a camera that is not wanted": replace(_REST, assigned={**_REST.assigned, "9": "north"}),
    "a node does not show what another has": replace(_REST, sight=_sight(north=_SHOWN, south=_SHOWN[1:])),
    "something overlaps": replace(_REST, sight=replace(_WELL, surplus={1: 1})),
}


def _of_sight(sight: FleetSight) -> Iterator[str]:
    return (problem for overlap in OVERLAPS for problem in overlap(sight))


def _of_rest(rest: FleetRest) -> Iterator[str]:
    return (problem for invariant in FLEET_AT_REST for problem in invariant(rest))


def test_nodes_that_are_well_break_nothing() -> None:
    assert not list(_of_sight(_WELL))
    assert not list(_of_rest(_REST))


def test_what_another_node_has_is_nobodys_claim() -> None:
    assert claims(_sight(north=_SHOWN, south=_SHOWN)) == {"1": ["north"], "2": ["south"]}


@pytest.mark.parametrize("what", BROKEN_SIGHTS)
def test_an_overlap_is_seen(what: str) -> None:
    assert list(_of_sight(BROKEN_SIGHTS[what]))


@pytest.mark.parametrize("what", BROKEN_RESTS)
def test_a_rest_of_nodes_that_is_none_is_seen(what: str) -> None:
    assert list(_of_rest(BROKEN_RESTS[what]))


def test_only_what_lasts_is_told_and_what_was_over_begins_anew() -> None:
    lasting = Lasting(3.0)
    assert not list(lasting.look(["a", "b"], 0.0))
    assert not list(lasting.look(["a"], 3.0))
    assert [told.split(",")[0] for told in lasting.look(["a", "b"], 3.5)] == ["a"]
    assert not list(lasting.look([], 4.0))
    assert not list(lasting.look(["a", "b"], 9.0))
    assert lasting.longest_s == 3.5


def test_every_fault_of_nodes_is_dealt() -> None:
    dealt = {stroke.fault.name for strokes in islice(rounds(1, NODE_FAULTS), 15) for stroke in strokes}
    assert dealt == {fault.name for fault in NODE_FAULTS}
    assert len(dealt) == len(NODE_FAULTS)
