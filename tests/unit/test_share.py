"""What a node does about shared cameras: gently, and never with what a living node has."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.fleet.fencing import Fence, PathSeen, Witnessed
from restream.domain.fleet.lookout import Lookout
from restream.domain.fleet.node import NOBODY, FleetNode, Holding, NodeName, NodeTraits, Sighting
from restream.domain.fleet.placement import Placement, Wish
from restream.domain.fleet.share import Decision, Pace, Share, View, calm
from tests.support.leases import LeaseRows
from tests.unit.test_placement import node

A, B, C = NodeName("a"), NodeName("b"), NodeName("c")
PACE = Pace(moves_per_minute=30, drained_per_heartbeat=50, taken_per_heartbeat=2000, left_after_s=10.0)
TTL_S = 9.0


def wishes_of(count: int) -> dict[str, Wish]:
    return {f"{number}": Wish(f"{number}") for number in range(count)}


def seen(*nodes: FleetNode, holdings: dict[str, Holding] | None = None) -> View:
    return View(A, {each.name: each for each in nodes}, holdings or {})


def decided(
    view: View,
    wishes: dict[str, Wish],
    *,
    fence: Fence = Fence.SERVER,
    witnessed: Witnessed = Witnessed.SILENT,
    lost: frozenset[Sighting] | None = None,
    moves: int = 0,
    share: Share | None = None,
) -> Decision:
    """By default all nodes that are dead are known to be lost."""
    if lost is None:
        lost = frozenset(each.sighting for each in view.nodes.values() if not each.alive)
    share = share or Share(fence, PACE, Placement())
    return share.decide(view, wishes, lost=lost, witness=lambda _: PathSeen(witnessed), moves=moves, now=0.0)


def held(key: str, owner: NodeName, age_s: float = 0.0) -> dict[str, Holding]:
    return {key: Holding(key, owner, 7, age_s)}


@pytest.mark.parametrize(
    ("fence", "witnessed", "proven", "taken"),
    [
        (Fence.SERVER, Witnessed.SILENT, True, True),
        (Fence.SERVER, Witnessed.SERVED, True, False),
        (Fence.SERVER, Witnessed.UNSEEN, True, False),
        (Fence.TIME, Witnessed.SERVED, True, True),
        (Fence.TIME, Witnessed.UNSEEN, True, True),
        (Fence.SERVER, Witnessed.SILENT, False, False),
        (Fence.TIME, Witnessed.SILENT, False, False),
    ],
)
def test_what_a_lost_node_had(fence: Fence, witnessed: Witnessed, proven: bool, taken: bool) -> None:
    view = seen(node("a"), node("b", -1.0), holdings=held("1", B))
    lost = frozenset({view.nodes[B].sighting}) if proven else frozenset()
    decision = decided(view, wishes_of(2), fence=fence, witnessed=witnessed, lost=lost)
    assert ("1" in decision.take) == taken
    assert "0" in decision.take
    assert decision.awaits == (proven and not taken)


@pytest.mark.parametrize(("silent_s", "taken"), [(0.0, True), (14.0, True), (16.0, False), (59.0, False), (61.0, True)])
def test_nothing_is_taken_about_when_its_owner_may_start_it_alone(silent_s: float, taken: bool) -> None:
    view = seen(node("a"), node("b", -1.0), holdings=held("1", B))
    lost, sight = frozenset({view.nodes[B].sighting}), PathSeen(Witnessed.SILENT, silent_s)
    share = Share(Fence.SERVER, PACE, Placement())
    decision = share.decide(view, wishes_of(2), lost=lost, witness=lambda _: sight, moves=0, now=0.0)
    assert ("1" in decision.take) == taken


def test_what_was_given_back_needs_no_witness() -> None:
    view = seen(node("a"), holdings=held("1", NOBODY))
    assert decided(view, wishes_of(2), witnessed=Witnessed.SERVED).take == ("1", "0")


@pytest.mark.parametrize(("room", "taken"), [(None, 40), (7, 7), (0, 0), (-3, 0)])
def test_never_more_than_there_is_room_for(room: int | None, taken: int) -> None:
    assert len(decided(seen(node("a", room=room)), wishes_of(40)).take) == taken


def test_orphans_come_before_cameras_that_somebody_may_have() -> None:
    view = seen(node("a", room=1), node("b", -1.0), holdings=held("39", B))
    assert decided(view, wishes_of(40)).take == ("39",)


def test_what_others_turned_out_to_have_is_not_asked_for_each_time() -> None:
    share, wishes, view = Share(Fence.SERVER, PACE, Placement()), wishes_of(10), seen(node("a"))
    asked = decided(view, wishes, share=share)
    share.settled(asked, {"1"})
    assert set(asked.take) == wishes.keys()
    assert decided(seen(node("a"), holdings=held("1", A)), wishes, share=share).take == ()
    freed = seen(node("a"), holdings={**held("1", A), **held("2", NOBODY)})
    assert decided(freed, wishes, share=share).take == ("2",)
    later = share.decide(
        view,
        wishes,
        lost=frozenset(),
        witness=lambda _: PathSeen(Witnessed.SILENT),
        moves=0,
        now=PACE.asked_again_after_s,
    )
    assert set(later.take) == wishes.keys()


def test_a_drained_node_takes_nothing_and_gives_all_in_steps() -> None:
    held_by_a = {key: Holding(key, A, 1) for key in wishes_of(120)}
    share, given_back = Share(Fence.SERVER, PACE, Placement()), []
    for _ in range(4):
        view = seen(node("a", draining=True), node("b"), holdings=dict(held_by_a))
        decision = decided(view, wishes_of(120), share=share)
        assert not decision.take
        given_back.append(len(decision.give_back))
        for holding in decision.give_back:
            del held_by_a[holding.camera_id]
    assert given_back == [50, 50, 20, 0]


def test_a_drained_node_keeps_what_nobody_would_take() -> None:
    holdings = held("1", A)
    for others in ((), (node("b", room=0),), (node("b", -1.0),)):
        assert not decided(seen(node("a", draining=True), *others, holdings=holdings), wishes_of(2)).give_back
    pinned = {"1": Wish("1", pin="c")}
    assert not decided(seen(node("a", draining=True), node("b"), holdings=holdings), pinned).give_back


def test_a_camera_that_is_pinned_elsewhere_leaves_when_it_may() -> None:
    view, wishes = seen(node("a"), node("b"), holdings=held("1", A)), {"1": Wish("1", pin="b")}
    assert decided(view, wishes, moves=1).give_back == (Holding("1", A, 7),)
    assert not decided(view, wishes, moves=0).give_back


def test_rows_that_are_gone_are_forgotten() -> None:
    holdings = {**held("gone", A), **held("0", A), **held("other", B)}
    decision = decided(seen(node("a"), node("b", -1.0), holdings=holdings), wishes_of(1))
    assert decision.forget == (Holding("gone", A, 7),)


def test_what_its_home_does_not_take_goes_to_whoever_has_room() -> None:
    wishes = wishes_of(40)
    placement = Placement()
    placement.show({A: node("a"), B: node("b")})
    key = next(key for key, wish in wishes.items() if placement.home(wish) == B)
    for age_s, taken in ((1.0, False), (11.0, True)):
        view = seen(node("a"), node("b"), holdings=held(key, NOBODY, age_s))
        assert (key in decided(view, wishes).take) == taken
    pinned = {key: Wish(key, pin="b")}
    assert not decided(seen(node("a"), node("b"), holdings=held(key, NOBODY, 11.0)), pinned).take


def test_all_together_offer_a_node_no_more_than_it_has_room_for() -> None:
    names = [NodeName(f"n{number}") for number in range(10)]
    wishes = wishes_of(1000)
    offered = Counter[str]()
    nodes = {name: node(name, room=25 if name == "n0" else 0) for name in names}
    for number, name in enumerate(names[1:]):
        holdings = {key: Holding(key, name, 1) for key in wishes if int(key) % 9 == number}
        decision = Share(Fence.SERVER, PACE, Placement()).decide(
            View(name, nodes, holdings),
            wishes,
            lost=frozenset(),
            witness=lambda _: PathSeen(Witnessed.SILENT),
            moves=10,
            now=0.0,
        )
        offered[name] = len(decision.give_back)
    assert 0 < sum(offered.values()) <= 25


def test_what_is_being_given_back_goes_even_when_it_would_belong_here_again() -> None:
    wishes, share = {"1": Wish("1", pin="b")}, Share(Fence.SERVER, PACE, Placement())
    view = seen(node("a"), node("b"), holdings=held("1", A))
    first = decided(view, wishes, moves=1, share=share)
    again = decided(view, {"1": Wish("1", pin="a")}, share=share)
    assert again.give_back == first.give_back != ()
    taken_anew = seen(node("a"), node("b"), holdings={"1": Holding("1", A, 8)})
    assert not decided(taken_anew, {"1": Wish("1", pin="a")}, share=share).give_back


TRAITS = st.builds(
    NodeTraits,
    room=st.none() | st.integers(-5, 60),
    weight=st.sampled_from([0.5, 1.0, 3.0]),
    sites=st.sets(st.sampled_from(["west", "east"])).map(frozenset),
)
WISHES = st.lists(
    st.tuples(st.sampled_from([None, None, "west", "east"]), st.sampled_from([None, None, None, "a", "gone"])),
    max_size=40,
).map(lambda rows: {f"{n}": Wish(f"{n}", site, pin) for n, (site, pin) in enumerate(rows)})


@given(
    traits=st.lists(TRAITS, min_size=1, max_size=4),
    wishes=WISHES,
    draining=st.sets(st.sampled_from("abcd")),
    owners=st.lists(st.sampled_from(["a", "b", "c", "d", "", "gone"]), max_size=40),
)
def test_repeated_decisions_on_a_stable_world_come_to_rest(
    traits: list[NodeTraits],
    wishes: dict[str, Wish],
    draining: set[str],
    owners: list[str],
) -> None:
    """Nodes of all kinds, beginning with any owners: then nothing moves any more, and only what must not be is held."""
    time = [0.0]
    rows, names = LeaseRows(lambda: time[0]), [NodeName(name) for name in "abcd"[: len(traits)]]
    for name, each in zip(names, traits, strict=True):
        rows.beat(name, "1", each, TTL_S)
        rows.drain(name, draining=name in draining)
    for key, owner in zip(wishes, owners, strict=False):
        if owner in names or owner == "":
            rows.settle(NodeName(owner) if owner else names[0], "1", Decision(take=(key,)))
    capacity = {
        name: None if each.room is None else each.room + sum(a.node == name for a in rows.assignments.values())
        for name, each in zip(names, traits, strict=True)
    }
    shares = {name: Share(Fence.SERVER, PACE, Placement()) for name in names}
    history = []
    for _ in range(40):
        time[0] += 3.0
        for name, each in zip(names, traits, strict=True):
            has, most = sum(a.node == name for a in rows.assignments.values()), capacity[name]
            now = NodeTraits(has, None if most is None else most - has, each.weight, each.sites)
            view = rows.beat(name, "1", now, TTL_S)
            assert view is not None
            decision = shares[name].decide(
                view, wishes, lost=frozenset(), witness=lambda _: PathSeen(Witnessed.SILENT), moves=5, now=time[0]
            )
            taken = rows.settle(name, "1", decision)
            shares[name].settled(decision, taken)
            assert now.room is None or len(taken) <= max(0, now.room)
        history.append(dict(rows.assignments))
    assert all(each == history[-1] for each in history[-8:])
    if "a" not in draining and traits[0].room is None:
        assert all(each.node == "a" for key, each in history[-1].items() if wishes[key].pin == "a")


@pytest.mark.parametrize(
    ("healths", "is_calm"),
    [([], False), (["healthy"], True), (["healthy"] * 19 + ["down"], True), (["healthy"] * 18 + ["down"] * 2, False)],
)
def test_a_fleet_that_has_trouble_is_left_alone(healths: list[str], is_calm: bool) -> None:
    assert calm(healths) == is_calm


def test_a_node_is_lost_when_its_lease_stood_still_for_us() -> None:
    def look(renewals: int, expires_in_s: float) -> dict[NodeName, FleetNode]:
        return {B: FleetNode(B, "1", expires_in_s, renewals=renewals, ttl_s=TTL_S)}

    lookout = Lookout().looked(look(1, 9.0), 100.0)
    assert not lookout.lost(look(1, -3600.0), 108.9), "the database's clock was set"
    lookout = lookout.looked(look(1, 1.0), 108.0)
    assert lookout.lost(look(1, -1.0), 110.0) == {Sighting(B, "1", 1)}
    assert not lookout.lost(look(1, 1.0), 110.0), "it may count on its lease by the database's clock"
    assert not lookout.looked(look(2, -1.0), 109.9).lost(look(2, -1.0), 110.0)


def test_after_an_outage_everybody_has_time_to_come_back() -> None:
    nodes = {B: FleetNode(B, "1", -300.0, renewals=1, ttl_s=TTL_S)}
    lookout = Lookout().looked(nodes, 100.0).looked(nodes, 400.0)
    assert not lookout.lost(nodes, 400.1)
    assert lookout.looked(nodes, 405.0).lost(nodes, 409.1)
