"""One message an incident, and one for its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import count

import pytest

from restream.domain.news.alert import Alert, AlertKind, AlertRules, AlertSubject, Scope
from restream.domain.news.alert_routes import AlertRoute
from restream.domain.news.alerts import AlertState, step
from restream.domain.news.incident import Bond, IncidentScope
from restream.domain.news.outages import Lasting, RoutingState, follow
from restream.domain.schedule import LocalTime

SITE = Bond(IncidentScope.SITE, "North", "contact")
HOUR_S = 3600.0


def camera(number: int, incident: str = "i1", bond: Bond = SITE) -> AlertSubject:
    return AlertSubject(
        str(number), f"Camera {number}", "North", f"192.0.2.{number}", "down", incident=incident, bond=bond
    )


class Night:
    """A fleet of so many cameras, a cycle every 2 s, and a route that is told of everything."""

    def __init__(self, fleet: int = 1000, *routes: AlertRoute) -> None:
        self.fleet, self.routes = fleet, routes or (AlertRoute("all", ("desk",)),)
        self.subjects: dict[str, AlertSubject] = {}
        self.state, self.told, self.now = AlertState(), RoutingState(), 0.0
        self.ids = count(1)

    def down(self, cameras: Iterable[AlertSubject]) -> None:
        self.subjects |= {each.id: each for each in cameras}

    def well(self, numbers: Iterable[int]) -> None:
        for each in map(str, numbers):
            self.subjects[each] = replace(self.subjects[each], health="healthy", incident="", bond=None)

    def after(self, seconds: float) -> tuple[list[Alert], list[Alert]]:
        """What webhooks and what the routes were told meanwhile."""
        everything, routed = [], []
        for _ in range(round(seconds / 2)):
            self.now += 2.0
            self.state, alerts = step(self.state, self.subjects, {}, self.now, self.now, AlertRules(), self.fleet)
            news = [(str(next(self.ids)), alert) for alert in alerts]
            lasting = Lasting({key for key, each in self.state.cameras.items() if each.announced}, ())
            self.told, dispatches = follow(
                self.told, news, lasting, self.routes, self.now, self.now, lambda _: LocalTime(0, 720)
            )
            everything += [alert for alert in alerts if not alert.joins]
            routed += [each.alert for each in dispatches]
        return everything, routed


def shown(alerts: Iterable[Alert]) -> list[tuple[str, str, int, str, int]]:
    return [(each.kind, each.scope, each.total, each.incident, each.left) for each in alerts]


def test_a_switch_with_forty_addresses_is_one_message_and_one_for_its_end() -> None:
    night = Night()
    night.down(map(camera, range(40)))
    everything, routed = night.after(60)
    assert shown(everything) == shown(routed) == [("down", "site", 40, "i1", 0)]
    assert everything[0].bond == SITE and everything[0].host == ""
    # They come back one after the other.
    for number in range(40):
        night.well([number])
        assert night.after(2) == ([], []) or number == 39
    everything, routed = night.after(20)
    assert shown(everything) == shown(routed) == [("recovered", "site", 40, "i1", 0)]
    assert night.state.cameras == {} and night.state.sizes == {} and night.told == RoutingState()


def test_stragglers_come_along_in_silence_and_are_part_of_reminder_and_end() -> None:
    night = Night()
    night.down(map(camera, range(37)))
    night.after(60)
    night.down(map(camera, range(37, 40)))
    assert night.after(60) == ([], [])
    assert [each.announced for each in night.state.cameras.values()] == [True] * 40
    _, routed = night.after(HOUR_S)
    assert [(each.telling, each.total, each.threads) for each in routed] == [("reminder", 40, ("1",))]
    night.well(range(40))
    everything, routed = night.after(30)
    assert shown(everything) == shown(routed) == [("recovered", "site", 40, "i1", 0)]


def test_an_incident_that_doubles_is_told_anew_with_all_of_it() -> None:
    night = Night()
    night.down(map(camera, range(5)))
    night.after(60)
    night.down(map(camera, range(5, 9)))
    assert night.after(60) == ([], [])
    night.down([camera(9)])
    everything, routed = night.after(60)
    assert shown(everything) == shown(routed) == [("down", "site", 10, "i1", 0)]
    assert routed[0].threads == ("1",), "the same outage"
    assert len(night.told.outages) == 1


def test_who_stays_away_keeps_the_end_of_the_others_back_for_a_while_only() -> None:
    night = Night()
    night.down(map(camera, range(40)))
    night.after(60)
    night.well(range(38))
    assert night.after(300) == ([], [])
    everything, routed = night.after(30)
    assert shown(everything) == shown(routed) == [("recovered", "site", 38, "i1", 2)]
    night.well([38, 39])
    everything, routed = night.after(30)
    assert shown(everything) == shown(routed) == [("recovered", "site", 2, "i1", 0)]


def test_who_comes_and_goes_while_others_are_waited_for_is_told_of_once() -> None:
    night = Night()
    night.down(map(camera, range(10)))
    night.after(60)
    for _ in range(5):
        night.well([3])
        assert night.after(40) == ([], [])
        night.down([camera(3)])
        assert night.after(60) == ([], [])


def test_a_wider_incident_takes_over_what_was_told_before() -> None:
    night = Night()
    night.down([camera(0, "c0", Bond(IncidentScope.CAMERA, "0"))])
    assert shown(night.after(60)[0]) == [("down", "camera", 1, "c0", 0)]
    night.down(map(camera, range(40)))
    everything, routed = night.after(60)
    assert shown(everything) == shown(routed) == [("down", "site", 40, "i1", 0)]
    assert [sorted(each.left, key=int) for each in night.told.outages] == [[str(each) for each in range(40)]]
    night.well(range(40))
    assert shown(night.after(30)[1]) == [("recovered", "site", 40, "i1", 0)]


@pytest.mark.parametrize(
    ("incidents", "fleet", "expected"),
    [
        # A large part of all is the fleet's, whatever it shares; it still leads to its incident.
        ({"i1": 40}, 100, [("fleet", 40, "i1")]),
        ({"i1": 40, "i2": 20}, 1000, [("site", 20, "i2"), ("site", 40, "i1")]),
        ({"i1": 40, "i2": 2}, 100, [("fleet", 40, "i1"), ("site", 2, "i2")]),
        # Many at once that are a large part of all are one message, as without incidents.
        ({"i1": 8, "i2": 8, "i3": 8, "i4": 8}, 100, [("fleet", 32, "")]),
        ({"i1": 8, "i2": 8, "i3": 8, "i4": 8}, 1000, [("site", 8, f"i{each}") for each in range(1, 5)]),
    ],
)
def test_several_incidents_at_once(
    incidents: Mapping[str, int], fleet: int, expected: list[tuple[Scope, int, str]]
) -> None:
    night, number = Night(fleet), count()
    for key, size in incidents.items():
        night.down(camera(next(number), key, SITE._replace(place=key)) for _ in range(size))
    everything, _ = night.after(60)
    assert sorted((each.scope, each.total, each.incident) for each in everything) == sorted(expected)
    # Their stragglers are no message either.
    night.down(camera(next(number), key, SITE._replace(place=key)) for key in incidents)
    assert all(each.total <= 4 for each in night.after(60)[0])
    night.well(range(next(number)))
    everything, _ = night.after(30)
    assert {each.kind for each in everything} == {AlertKind.RECOVERED} and len(everything) == len(expected)
    assert sum(each.total for each in everything) == sum(incidents.values()) + len(incidents)


def test_a_route_gets_its_part_of_an_incident_also_of_what_joins_later() -> None:
    night = Night(1000, AlertRoute("south", ("desk",), sites=frozenset({"South"})))
    night.down(map(camera, range(10)))
    assert night.after(60)[1] == []
    night.down([replace(camera(10), site="South")])
    everything, routed = night.after(60)
    assert everything == [] and [(each.total, each.cameras[0].subject.id) for each in routed] == [(1, "10")]
    night.well(range(11))
    assert [(each.kind, each.total) for each in night.after(30)[1]] == [("recovered", 1)]
