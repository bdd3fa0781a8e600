"""Cameras that no node has, and nodes that are lost: who tells of them, since when, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from restream.domain.fleet.node import NOBODY, FleetNode, Holding, NodeName, node_component
from restream.domain.fleet.placement import Wish
from restream.domain.fleet.share import View
from restream.domain.fleet.vacancy import Vacancies, Vacancy
from restream.domain.judgement.status import Unowned
from restream.domain.judgement.verdict import Health, judge_row
from restream.domain.life.cause import Side
from restream.domain.news.alert import AlertRules, AlertSubject
from restream.domain.news.alerts import AlertState, step
from restream.domain.news.component import Component, ComponentState
from restream.supervisor.components import Components
from restream.supervisor.nodes.node_news import NodeNews
from tests.support.peer_nodes import fleet_node
from tests.unit.fakes import camera

ALIVE, LOST = fleet_node("south"), fleet_node("south", -1.0)


def view(*others: FleetNode, holdings: Mapping[str, str] | None = None, leads: bool = True) -> View:
    nodes = {node.name: node for node in (fleet_node("north"), *others)}
    held = {key: Holding(key, NodeName(node), 1) for key, node in (holdings or {}).items()}
    return View(NodeName("north"), nodes, held, leads)


FULL = replace(ALIVE, traits=replace(ALIVE.traits, room=0))


@pytest.mark.parametrize(
    ("seen", "wish", "at_once", "later"),
    [
        (view(LOST, holdings={"7": "south"}), Wish("7"), Vacancy.LOST, Vacancy.LOST),
        (view(ALIVE, holdings={"7": NOBODY}), Wish("7"), None, Vacancy.UNTAKEN),
        (view(ALIVE), Wish("7"), None, Vacancy.UNTAKEN),
        (view(ALIVE), Wish("7", pin="west"), None, Vacancy.PINNED),
        (view(FULL), Wish("7", pin="south"), None, Vacancy.PINNED),
        (view(ALIVE), Wish("7", pin="south"), None, Vacancy.UNTAKEN),
        # Its owner lives, and has not told of it yet.
        (view(ALIVE, holdings={"7": "south"}), Wish("7"), None, None),
    ],
)
def test_why_nobody_has_it(seen: View, wish: Wish, at_once: Vacancy | None, later: Vacancy | None) -> None:
    wishes = {"7": wish}
    vacancies = Vacancies().seen(wishes, (), 100.0)
    assert vacancies.at(seen, wishes, 100.0).get("7") is at_once
    assert vacancies.seen(wishes, (), 116.0).at(seen, wishes, 116.0).get("7") is later


def test_a_camera_that_somebody_had_in_between_is_new_again() -> None:
    wishes = {"7": Wish("7")}
    seen = Vacancies().seen(wishes, (), 100.0).seen(wishes, {"7"}, 110.0).seen(wishes, (), 112.0)
    assert not seen.at(view(ALIVE), wishes, 120.0)
    assert not seen.seen({}, (), 200.0).since


@pytest.mark.parametrize("why", Vacancy)
def test_how_it_is_judged(why: Vacancy) -> None:
    silent, served = (judge_row(Unowned(camera(7), why, silent=each)) for each in (True, False))
    assert (silent.health, silent.fault, silent.reasons[0].code) == (Health.DOWN, Side.PUBLISHER, "no_node")
    assert served.health is Health.UNKNOWN
    assert silent.reasons[0].numbers == (("why", why.value),) and silent.hint


class Desk:
    def __init__(self) -> None:
        self.components = Components()
        self.news = NodeNews(self.components)

    def look(self, seen: View) -> ComponentState | None:
        lost = {node.sighting for node in seen.nodes.values() if node.expires_in_s < -0.5}
        self.news.tell(seen, lost)
        found = self.components.all.get(node_component("south"))
        return found.state if found is not None else None


def test_a_node_that_is_lost_is_down_until_it_is_back() -> None:
    desk = Desk()
    assert desk.look(view(ALIVE)) is ComponentState.UP
    # Its lease is over, and may have been renewed since.
    assert desk.look(view(fleet_node("south", -0.1), holdings={"7": "south"})) is ComponentState.UP
    assert desk.look(view(LOST, holdings={"7": "south"})) is ComponentState.DOWN
    assert "1 cameras are still its" in desk.components.all["node:south"].detail
    assert desk.look(view(LOST)) is ComponentState.DOWN
    assert desk.look(view(ALIVE)) is ComponentState.UP


def test_a_node_that_ends_as_it_should_is_no_incident() -> None:
    desk = Desk()
    desk.look(view(ALIVE))
    assert desk.look(view(LOST)) is None


def test_a_node_that_was_replaced_is_forgotten() -> None:
    desk = Desk()
    desk.look(view(LOST, holdings={"7": "south"}))
    assert desk.look(view(fleet_node("south", -3500.0))) is ComponentState.DOWN
    assert desk.look(view(fleet_node("south", -3700.0))) is None
    desk.look(view(LOST, holdings={"7": "south"}))
    assert desk.look(view()) is None


def test_only_the_node_that_leads_tells() -> None:
    desk = Desk()
    assert desk.look(view(LOST, holdings={"7": "south"}, leads=False)) is None
    desk.look(view(LOST, holdings={"7": "south"}))
    assert desk.look(view(LOST, holdings={"7": "south"}, leads=False)) is None


def test_a_lost_node_is_one_alert_with_the_number_of_its_cameras() -> None:
    rules, state, found = AlertRules(), AlertState(), []
    subjects = {
        key: AlertSubject(key, health="down", fault="publisher", code="no_node", node="south") for key in ("1", "2")
    } | {"3": AlertSubject("3", health="down", fault="camera")}
    parts = {"node:south": Component("node:south", ComponentState.DOWN, 0.0, "nothing was heard of it")}
    for now in range(0, 120, 2):
        state, alerts = step(state, subjects, parts, float(now), float(now), rules, 10)
        found += alerts
    assert [(each.kind, each.component, each.total) for each in found if each.component] == [
        ("component_down", "node:south", 2)
    ]
    assert [[each.subject.id for each in alert.cameras] for alert in found if not alert.component] == [["3"]]
