"""Where cameras belong: evenly, and moving only when they must."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.fleet.node import FleetNode, NodeName, NodeTraits
from restream.domain.fleet.placement import SLOTS, Placement, Wish

CAMERAS = [Wish(f"{number}") for number in range(3000)]


def node(name: str, expires_in_s: float = 9.0, *, draining: bool = False, **traits: object) -> FleetNode:
    return FleetNode(NodeName(name), "1", expires_in_s, draining, NodeTraits(**traits))  # type: ignore[arg-type]


def shown(nodes: Iterable[FleetNode]) -> Placement:
    placement = Placement()
    placement.show({each.name: each for each in nodes})
    return placement


def homes(nodes: Iterable[FleetNode], wishes: Iterable[Wish] = CAMERAS) -> dict[str, str | None]:
    placement = shown(nodes)
    return {wish.camera_id: placement.home(wish) for wish in wishes}


NODES = st.lists(st.integers(0, 30), min_size=2, max_size=6, unique=True).map(
    lambda numbers: [node(f"n{number}") for number in numbers]
)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_equal_weights_share_evenly(count: int) -> None:
    wishes = [Wish(f"camera-{number}") for number in range(20_000)]
    counted = Counter(homes([node(f"node-{number}") for number in range(count)], wishes).values())
    even, share = len(wishes) / count, 1 / count
    # Five standard deviations, of the cameras' slots and of the slots' nodes.
    bound = 5 * ((even * (1 - share)) ** 0.5 + len(wishes) * (share * (1 - share) / SLOTS) ** 0.5)
    assert set(counted) == {f"node-{number}" for number in range(count)}
    assert all(abs(each - even) < bound for each in counted.values()), counted


def test_a_weight_is_a_share() -> None:
    counted = Counter(homes([node("a", weight=3.0), node("b")]).values())
    assert counted["a"] / len(CAMERAS) == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf"), float("-inf")])
def test_a_weight_that_is_none_breaks_nothing(weight: float) -> None:
    assert set(homes([node("a", weight=weight), node("b")]).values()) <= {"a", "b"}


@given(nodes=NODES)
def test_a_node_that_joins_draws_only_what_it_wins(nodes: list[FleetNode]) -> None:
    *before, joining = nodes
    old, new = homes(before), homes(nodes)
    assert {new[key] for key in old if old[key] != new[key]} <= {joining.name}


@given(nodes=NODES, how=st.sampled_from(["gone", "dead", "draining", "full"]))
def test_a_node_that_leaves_loses_only_what_it_had(nodes: list[FleetNode], how: str) -> None:
    *staying, leaving = nodes
    rest = {
        "gone": [],
        "dead": [node(leaving.name, -1.0)],
        "draining": [node(leaving.name, draining=True)],
        "full": [node(leaving.name, room=0)],
    }[how]
    old, new = homes(nodes), homes([*staying, *rest])
    assert leaving.name not in new.values()
    assert {old[key] for key in old if old[key] != new[key]} <= {leaving.name}


@given(nodes=NODES, data=st.data())
def test_all_come_to_the_same_answer_whatever_they_have_seen(nodes: list[FleetNode], data: st.DataObject) -> None:
    remembering = Placement()
    for _ in range(3):
        some = data.draw(st.lists(st.sampled_from(nodes), unique_by=lambda each: each.name))
        weights = data.draw(st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=len(some), max_size=len(some)))
        now = {n.name: node(n.name, weight=weight) for n, weight in zip(some, weights, strict=True)}
        remembering.show(now)
        fresh = shown(reversed(now.values()))
        assert [remembering.home(wish) for wish in CAMERAS[:50]] == [fresh.home(wish) for wish in CAMERAS[:50]]


def test_a_pin_is_the_one_node_or_none() -> None:
    nodes = [node("a"), node("b"), node("c", room=0)]
    placement = shown(nodes)
    assert placement.home(Wish("1", pin="b")) == "b"
    assert placement.home(Wish("1", pin="gone")) is None
    assert placement.home(Wish("1", pin="c")) is None
    assert placement.home(Wish("1", pin="c"), NodeName("c")) == "c"
    assert placement.home(Wish("1", pin="b"), NodeName("a")) == "b"


def test_cameras_of_a_site_go_near_it_while_there_is_room() -> None:
    near, far = node("near", sites=frozenset({"west"})), node("far", weight=100.0)
    wishes = [Wish(f"{number}", site="west") for number in range(100)]
    assert set(homes([near, far], wishes).values()) == {"near"}
    assert set(homes([node("near", room=0, sites=frozenset({"west"})), far], wishes).values()) == {"far"}
    assert set(homes([near, far], [Wish(f"{n}", site="east") for n in range(100)]).values()) == {"near", "far"}


def test_who_has_a_camera_may_keep_it_without_room() -> None:
    placement = shown([node("a", room=0), node("b")])
    kept = {wish.camera_id for wish in CAMERAS if placement.home(wish, NodeName("a")) == "a"}
    assert kept == {key for key, name in homes([node("a"), node("b")]).items() if name == "a"}
    assert {placement.home(wish) for wish in CAMERAS} == {"b"}


def test_without_a_node_a_camera_waits() -> None:
    assert shown([]).home(CAMERAS[0]) is None
    assert shown([node("a", -1.0)]).home(CAMERAS[0], NodeName("a")) is None


def test_a_busy_node_comes_after_the_others_and_before_none() -> None:
    busy, calm = node("a", busy=True), node("b")
    assert set(homes([busy, calm]).values()) == {"b"}
    assert set(homes([busy, node("b", busy=True)]).values()) == {"a", "b"}
    assert set(homes([busy, node("b", room=0)]).values()) == {"a"}
    assert set(homes([busy, node("b", -1.0)]).values()) == {"a"}
    # What it has already it keeps, and what is pinned to it comes.
    placement = shown([busy, calm])
    here = next(wish for wish in CAMERAS if homes([node("a"), calm])[wish.camera_id] == "a")
    assert placement.home(here, NodeName("a")) == "a"
    assert placement.home(Wish("1", pin="a")) == "a"
