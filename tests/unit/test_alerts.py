"""When people are told: the truth table, and what holds for any sequence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.news.alert import Alert, AlertRules, AlertSubject, Scope
from restream.domain.news.alerts import AlertState, step
from restream.domain.news.component import Component, ComponentState
from restream.domain.server.identity import DEFAULT_SERVER, ServerId, component_name

RULES = AlertRules(collect_s=0.0)
STEP_S = 5.0
HEALTH = {"d": "down", "h": "healthy", "g": "degraded", "u": "unknown", "x": "disabled"}


def play(
    cycles: list[Mapping[str, AlertSubject]], rules: AlertRules = RULES, server: str = ""
) -> list[tuple[int, Alert]]:
    """One cycle every 5 s; `server` tells the media server's state in each: d or h."""
    state, told = AlertState(), []
    for number, subjects in enumerate(cycles):
        parts = {}
        if server:
            part = ComponentState.DOWN if server[number] == "d" else ComponentState.UP
            parts["mediamtx"] = Component("mediamtx", part, 0.0, "refused", DEFAULT_SERVER)
        at = number * STEP_S
        fleet_size = sum(subject.health != "disabled" for subject in subjects.values())
        bad = {key for key, each in subjects.items() if each.health == "down" or each.blind}
        concerned = {key: each for key, each in subjects.items() if key in bad or key in state.cameras}
        fewer = step(state, concerned, parts, at, 1000 + at, rules, fleet_size)
        state, alerts = step(state, subjects, parts, at, 1000 + at, rules, fleet_size)
        assert (state, alerts) == fewer, "who is neither down nor watched changes nothing"
        told += [(number, alert) for alert in alerts]
    return told


def one(letters: str, fault: str = "camera") -> list[Mapping[str, AlertSubject]]:
    return [{} if letter == "-" else {"1": AlertSubject("1", health=HEALTH[letter], fault=fault)} for letter in letters]


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("dddddd", ""),  # 25 s
        ("ddddddd", "6 down"),
        ("dddddddddddd", "6 down"),
        ("ddddddhdddddd", ""),  # an instant up clears the clock
        ("dddddddhhh", "6 down, 9 recovered"),
        ("dddddddggg", "6 down, 9 recovered"),
        ("dddddddhhdhh", "6 down"),
        ("dddduuuddd", "9 down"),  # unknown counts for nothing and clears nothing
        ("dddddduuuu", ""),
        ("uuuuuuuuuu", ""),
        ("dddddddhuuuhh", "6 down, 12 recovered"),
        ("dddddddxhhhh", "6 down"),  # ends silently
        ("ddddddd-hhhh", "6 down"),
        ("dddddddxddddddd", "6 down, 14 down"),
        ("ddddxddd", ""),
    ],
)
def test_one_camera(letters: str, expected: str) -> None:
    assert ", ".join(f"{number} {alert.kind}" for number, alert in play(one(letters))) == expected


def test_a_camera_that_shows_nothing_is_told_like_one_that_is_down() -> None:
    frozen, blurred = (AlertSubject("1", health="degraded", code=f"picture_{flaw}") for flaw in ("frozen", "blurred"))
    told = play([{"1": each} for each in [frozen] * 7 + [blurred] * 3])
    assert [(number, alert.kind) for number, alert in told] == [(6, "down"), (9, "recovered")]
    assert play([{"1": blurred}] * 10) == []


def test_an_outage_of_the_media_server_is_one_alert() -> None:
    told = play(one("d" * 12 + "h" * 4, "media_server"), server="d" * 12 + "h" * 4)
    assert [(alert.kind, alert.component, alert.total) for _, alert in told] == [
        ("component_down", "mediamtx", 1),
        ("component_up", "mediamtx", 0),
    ]


def test_an_outage_of_a_further_media_server_is_told_by_its_name_with_its_cameras_alone() -> None:
    west = ServerId("west")
    parts = {
        name: Component(name, state, 0.0, "refused", server)
        for name, state, server in (
            ("mediamtx", ComponentState.UP, DEFAULT_SERVER),
            (component_name(west), ComponentState.DOWN, west),
        )
    }
    subjects = {
        key: AlertSubject(key, health="down", fault="media_server", server=server)
        for key, server in (("1", west), ("2", west), ("3", DEFAULT_SERVER))
    }
    state, told = AlertState(), []
    for at in (0.0, 30.0, 60.0):
        state, alerts = step(state, subjects, parts, at, at, RULES, 3)
        told += [(alert.scope, alert.component, alert.total) for alert in alerts]
    assert told == [(Scope.COMPONENT, "mediamtx:west", 2), (Scope.CAMERA, "", 1)]


def test_a_camera_with_a_fault_of_its_own_is_told_of_during_an_outage_of_the_media_server() -> None:
    told = play(one("d" * 8), server="d" * 8)
    assert [alert.kind for _, alert in told] == ["component_down", "down"]


def fleet(size: int, down: int, hosts: int = 0) -> dict[str, AlertSubject]:
    return {
        str(number): AlertSubject(
            str(number), host=f"h{number % hosts}" if hosts else "", health="down" if number < down else "healthy"
        )
        for number in range(size)
    }


@pytest.mark.parametrize(
    ("size", "down", "hosts", "expected"),
    [
        (10, 4, 0, {Scope.CAMERA: 4}),
        (10, 4, 2, {Scope.HOST: 2}),
        (10, 5, 2, {Scope.FLEET: 1}),
        (100, 29, 1, {Scope.HOST: 1}),
        (100, 30, 1, {Scope.FLEET: 1}),
    ],
)
def test_grouping(size: int, down: int, hosts: int, expected: Mapping[Scope, int]) -> None:
    told = play([fleet(size, down, hosts)] * 7 + [fleet(size, 0, hosts)] * 3)
    for kind in ("down", "recovered"):
        alerts = [alert for _, alert in told if alert.kind == kind]
        assert Counter(alert.scope for alert in alerts) == expected
        assert sum(alert.total for alert in alerts) == down
        assert all(len(alert.cameras) == min(alert.total, 20) for alert in alerts)


def test_cameras_are_collected_for_a_while() -> None:
    cycles = [fleet(10, 1, 1), *[fleet(10, 3, 1)] * 9]
    told = play(cycles, AlertRules())
    assert [(number, alert.scope, alert.total) for number, alert in told] == [(8, Scope.HOST, 3)]


@given(st.lists(st.tuples(st.sampled_from("dhgux-"), st.integers(1, 8)), max_size=30), st.sampled_from([0.0, 10.0]))
def test_any_outage_announced_ends_once_and_is_never_announced_twice(
    runs: list[tuple[str, int]], collect_s: float
) -> None:
    letters = "".join(letter * length for letter, length in runs)
    told = {number: alert.kind for number, alert in play(one(letters), AlertRules(collect_s=collect_s))}
    announced = False
    for number, letter in enumerate(letters):
        if letter in "x-":
            announced = False
        kind = told.get(number)
        if kind == "down":
            assert letter == "d" and not announced
            assert letters[: number + 1].replace("u", "").endswith("d" * 7)
            announced = True
        elif kind == "recovered":
            assert letter in "hg" and announced
            announced = False


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 3)), max_size=20))
def test_flapping_faster_than_the_debounce_announces_nothing(flaps: list[tuple[int, int]]) -> None:
    assert play(one("".join("d" * down + "h" * up for down, up in flaps))) == []


@given(st.integers(7, 20), st.integers(3, 10))
def test_a_long_outage_and_a_long_recovery_are_told_once_each(down: int, up: int) -> None:
    assert [alert.kind for _, alert in play(one("d" * down + "h" * up))] == ["down", "recovered"]
