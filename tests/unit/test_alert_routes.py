"""What a route tells of outages: to whom, when, and how often."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest

from restream.domain.news.alert import Affected, Alert, AlertKind, AlertRules, AlertSubject, Scope, Telling
from restream.domain.news.alert_routes import AlertRoute, Severity
from restream.domain.news.outages import Lasting, RoutingState, follow
from restream.domain.schedule import ALL_DAY, EVERY_DAY, Hours, LocalTime, parse_hours, parse_weekdays
from restream.supervisor.components import Components
from restream.supervisor.outlets.alert_watch import AlertWatch, Routing

NOON = LocalTime(0, 12 * 60)
NIGHT = LocalTime(1, 2 * 60)
HOUR_S, DAY_S = 3600.0, 86400.0


def camera(id_: str, site: str = "North", fault: str = "camera", code: str = "refused") -> Affected:
    return Affected(AlertSubject(id_, f"Camera {id_}", site, "192.0.2.7", "down", fault, code), 1000.0)


def down(*cameras: Affected, kind: AlertKind = AlertKind.DOWN) -> Alert:
    scope = Scope.HOST if len(cameras) > 1 else Scope.CAMERA
    return Alert(kind, 1030.0, scope, len(cameras), cameras[:20], "192.0.2.7", since=1000.0, everyone=cameras)


def up(*cameras: Affected) -> Alert:
    return down(*cameras, kind=AlertKind.RECOVERED)


def component(kind: AlertKind = AlertKind.COMPONENT_DOWN) -> Alert:
    return Alert(kind, 1030.0, Scope.COMPONENT, 3, component="mediamtx", detail="refused", since=1000.0)


class Night:
    """Plays cycles, and keeps what was told as (receivers, telling, kind, ids)."""

    def __init__(self, *routes: AlertRoute) -> None:
        self.routes, self.state, self.at = routes, RoutingState(), 0.0
        self.local: Callable[[AlertRoute], LocalTime] = lambda _: NOON
        self.quiet: Collection[str] = ()
        self.cameras: set[str] = set()
        self.components: set[str] = set()
        self.alerts: list[Alert] = []

    def cycle(self, *alerts: Alert, after_s: float = 2.0) -> list[tuple[str, str, str, str]]:
        self.at += after_s
        for alert in alerts:
            ids, begins = {each.subject.id for each in alert.everyone}, alert.kind.endswith("down")
            self.cameras = self.cameras | ids if begins else self.cameras - ids
            parts = {alert.component} - {""}
            self.components = self.components | parts if begins else self.components - parts
        news = [(f"{self.at:g}-{number}", alert) for number, alert in enumerate(alerts)]
        lasting = Lasting(set(self.cameras), set(self.components))
        self.state, told = follow(
            self.state, news, lasting, self.routes, self.at, 1000 + self.at, self.local, self.quiet
        )
        self.alerts = [each.alert for each in told]
        return [
            (
                "+".join(each.receivers),
                each.alert.telling,
                each.alert.kind,
                "+".join(affected.subject.id for affected in each.alert.everyone) or each.alert.component,
            )
            for each in told
        ]


def test_a_beginning_reminders_and_the_end_are_told_once_each() -> None:
    night = Night(AlertRoute("r", ("a",)))
    assert night.cycle(down(camera("1"))) == [("a", "news", "down", "1")]
    thread = night.alerts[0].threads
    assert night.cycle() == []
    assert night.cycle(after_s=HOUR_S) == [("a", "reminder", "down", "1")]
    assert night.alerts[0].threads == thread
    assert night.cycle() == []
    assert night.cycle(after_s=DAY_S) == [("a", "reminder", "down", "1")]
    assert night.cycle(after_s=30 * DAY_S) == []
    assert night.cycle(up(camera("1"))) == [("a", "news", "recovered", "1")]
    assert (night.alerts[0].threads, night.alerts[0].left) == (thread, 0)
    assert night.state == RoutingState()


def test_forty_cameras_are_one_message_and_come_back_as_they_do() -> None:
    cameras = [camera(str(number)) for number in range(40)]
    night = Night(AlertRoute("r", ("a",)))
    assert len(night.cycle(down(*cameras))) == 1
    assert len(night.cycle(up(*cameras[:30]))) == 1
    assert (night.alerts[0].total, night.alerts[0].left) == (30, 10)
    assert night.cycle(after_s=HOUR_S)[0][1:] == ("reminder", "down", "+".join(map(str, range(30, 40))))
    night.cycle(up(*cameras[30:]))
    assert night.alerts[0].left == 0 and not night.state.outages


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        (AlertRoute("r", ("a",), sites=frozenset({"South"})), "2"),
        (AlertRoute("r", ("a",), cameras=frozenset({"1"})), "1"),
        (AlertRoute("r", ("a",), faults=frozenset({"network"})), "2"),
        (AlertRoute("r", ("a",), causes=frozenset({"timeout"})), "2"),
        (AlertRoute("r", ("a",), causes=frozenset({"timeout"}), sites=frozenset({"North"})), None),
        (AlertRoute("r", ("a",), severity=Severity.MAJOR), "1+2"),
        (AlertRoute("r", ("a",), severity=Severity.CRITICAL), None),
    ],
)
def test_a_route_tells_only_of_what_concerns_it(route: AlertRoute, expected: str | None) -> None:
    night = Night(route)
    both = camera("1"), camera("2", "South", "network", "timeout")
    told = night.cycle(down(*both))
    assert [each[3] for each in told] == ([expected] if expected else [])
    assert [each[3] for each in night.cycle(up(*both))] == ([expected] if expected else [])


def test_components_are_told_to_routes_that_want_them() -> None:
    night = Night(AlertRoute("r", ("a",), severity=Severity.CRITICAL), AlertRoute("s", ("b",), components=False))
    assert night.cycle(component()) == [("a", "news", "component_down", "mediamtx")]
    assert night.cycle(after_s=HOUR_S) == [("a", "reminder", "component_down", "mediamtx")]
    assert night.cycle(component(AlertKind.COMPONENT_UP)) == [("a", "news", "component_up", "mediamtx")]


def test_outside_of_its_hours_a_route_tells_nothing_and_makes_up_for_what_lasts() -> None:
    night = Night(AlertRoute("r", ("a",), hours=(Hours(8 * 60, 18 * 60),)))
    assert night.cycle(down(camera("1")))
    night.local = lambda _: NIGHT
    assert night.cycle(up(camera("1")), down(camera("2")), down(camera("3"))) == []
    assert night.cycle(up(camera("3"))) == []
    assert night.cycle(after_s=5 * HOUR_S) == []
    night.local = lambda _: NOON
    assert night.cycle() == [("a", "news", "recovered", "1"), ("a", "news", "down", "2")]
    assert night.cycle() == []


def test_many_that_are_due_at_once_are_one_message() -> None:
    night = Night(AlertRoute("r", ("a",), hours=(Hours(8 * 60, 18 * 60),)))
    night.local = lambda _: NIGHT
    for number in range(50):
        night.cycle(down(camera(str(number))))
    night.local = lambda _: NOON
    night.cycle()
    assert [(each.scope, each.total, len(each.cameras), len(each.threads)) for each in night.alerts] == [
        (Scope.FLEET, 50, 20, 50)
    ]
    assert len(night.cycle(after_s=HOUR_S)) == 1


def test_what_lasts_is_escalated_once_and_who_was_called_hears_the_end() -> None:
    route = AlertRoute("r", ("a",), reminders_s=(HOUR_S,), escalate_after_s=900.0, escalate_to=("b", "c"))
    night = Night(route)
    night.cycle(down(camera("1")))
    assert night.cycle(after_s=900.0) == [("b+c", "escalation", "down", "1")]
    assert night.cycle(after_s=HOUR_S) == [("a+b+c", "reminder", "down", "1")]
    assert night.cycle(up(camera("1"))) == [("a+b+c", "news", "recovered", "1")]


def test_what_somebody_sees_to_is_neither_reminded_nor_escalated() -> None:
    route = AlertRoute("r", ("a",), escalate_after_s=900.0, escalate_to=("b",))
    night = Night(route)
    night.cycle(down(camera("1"), camera("2")))
    night.quiet = {"1", "2"}
    assert night.cycle(after_s=HOUR_S) == []
    night.quiet = {"1"}
    assert night.cycle() == [("b", "escalation", "down", "1+2")]
    night.quiet = ()
    assert night.cycle(up(camera("1"), camera("2"))) == [("a+b", "news", "recovered", "1+2")]


def test_who_is_removed_or_disabled_ends_silently() -> None:
    night = Night(AlertRoute("r", ("a",)))
    night.cycle(down(camera("1"), camera("2")))
    night.cameras = {"2"}
    assert night.cycle(after_s=HOUR_S) == [("a", "reminder", "down", "2")]
    night.cameras = set()
    assert night.cycle() == [] and not night.state.outages


def test_a_camera_that_fails_again_belongs_to_its_new_outage_alone() -> None:
    night = Night(AlertRoute("r", ("a",)))
    night.cycle(down(camera("1"), camera("2")))
    night.cycle(up(camera("1")))
    night.cycle(down(camera("1")))
    assert [sorted(each.left) for each in night.state.outages] == [["2"], ["1"]]


def test_other_routes_after_a_reload_begin_with_what_lasts() -> None:
    night = Night(AlertRoute("r", ("a",)))
    night.cycle(down(camera("1")))
    night.routes = (AlertRoute("s", ("b",)),)
    assert night.cycle() == [("b", "news", "down", "1")]
    assert night.cycle(up(camera("1"))) == [("b", "news", "recovered", "1")]


@pytest.mark.parametrize(
    ("hours", "weekdays", "when", "expected"),
    [
        ("08:00-18:00", "mon-fri", LocalTime(0, 8 * 60), True),
        ("08:00-18:00", "mon-fri", LocalTime(0, 18 * 60), False),
        ("08:00-18:00", "mon-fri", LocalTime(5, 12 * 60), False),
        ("22:00-06:00", "fri", LocalTime(4, 23 * 60), True),
        ("22:00-06:00", "fri", LocalTime(5, 5 * 60), True),  # the night of Friday
        ("22:00-06:00", "fri", LocalTime(4, 5 * 60), False),
        ("22:00-06:00", "sun", LocalTime(0, 5 * 60), True),
        ("00:00-24:00", "sat-mon", LocalTime(6, 1439), True),
        ("00:00-24:00", "sat-mon", LocalTime(1, 0), False),
        ("22:00-00:00", "mon", LocalTime(1, 0), False),
    ],
)
def test_hours(hours: str, weekdays: str, when: LocalTime, expected: bool) -> None:
    assert parse_hours(hours).cover(when, parse_weekdays(weekdays)) is expected


def test_all_day_is_every_minute() -> None:
    assert all(ALL_DAY.cover(LocalTime(3, minute), EVERY_DAY) for minute in range(1440))


@pytest.mark.parametrize("text", ["", "8-18", "08:00", "24:00-25:00", "08:60-09:00", "08:00-08:00", "08:00-24:01"])
def test_hours_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="expected hours"):
        parse_hours(text)


def test_a_message_of_a_route_says_why_it_is_told() -> None:
    assert [each.value for each in Telling] == ["news", "reminder", "escalation"]


async def test_an_incident_in_hand_is_not_reminded_of() -> None:
    class Heard:
        name = "heard"

        async def send(self, alert: Alert, delivery: str) -> None:
            """Never asked: nothing runs."""

        async def close(self) -> None:
            """Nothing is held."""

    rules = AlertRules(down_after_s=0.0, up_after_s=0.0, collect_s=0.0)
    routing, taken = Routing((AlertRoute("r", ("a",)),), {"a": Heard()}), [False]
    watch = AlertWatch([], Components(), rules, routing=routing, quiet=lambda _: {"1"} if taken[0] else ())
    subjects = {"1": camera("1").subject}
    watch.tick(subjects, {}, 0.0, 1000.0, 1)
    taken[0] = True
    watch.tick(subjects, {}, HOUR_S, 1000.0 + HOUR_S, 1)
    assert [each.telling for each in watch.deliveries] == ["news"]
    taken[0] = False
    watch.tick(subjects, {}, DAY_S, 1000.0 + DAY_S, 1)
    assert [each.telling for each in watch.deliveries] == ["reminder", "news"]
