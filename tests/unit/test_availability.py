"""Spans of health, and what follows from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.judgement.availability import KEPT_S, Span, Timeline, availability
from restream.domain.judgement.verdict import Health

HOUR_S = 3600.0
UP, BAD, DOWN, UNKNOWN, OFF = Health.HEALTHY, Health.DEGRADED, Health.DOWN, Health.UNKNOWN, Health.DISABLED


def timeline(*spans: tuple[float, Health]) -> Timeline:
    result = Timeline()
    for since, health in spans:
        result = result.followed(health, since)
    return result


@pytest.mark.parametrize(
    ("spans", "ratio", "flaps", "longest_s", "known_s"),
    [
        ([(0, UP)], 1.0, 0, 0, 100),
        ([(0, DOWN)], 0.0, 0, 100, 100),
        ([(0, UNKNOWN)], None, 0, 0, 0),
        ([(0, UP), (50, DOWN)], 0.5, 1, 50, 100),
        ([(0, UP), (50, DOWN), (60, BAD), (80, DOWN)], 0.7, 2, 20, 100),
        ([(0, UP), (50, UNKNOWN)], 1.0, 0, 0, 50),
        ([(0, UP), (10, DOWN), (20, UNKNOWN), (30, DOWN), (40, UP)], 70 / 90, 1, 20, 90),
        ([(0, DOWN), (10, OFF), (20, DOWN), (40, UP)], 60 / 90, 0, 20, 90),
        ([(0, UP), (10, OFF), (20, DOWN)], 10 / 90, 0, 80, 90),
    ],
)
def test_a_window(
    spans: list[tuple[float, Health]], ratio: float, flaps: int, longest_s: float, known_s: float
) -> None:
    found = availability(timeline(*spans), 100.0, HOUR_S)
    assert found.uptime_ratio == (None if ratio is None else pytest.approx(ratio))
    assert (found.flaps, found.longest_outage_s, found.known_s) == (flaps, longest_s, known_s)


def test_a_window_cuts_what_began_before_it() -> None:
    day = timeline((0, DOWN), (HOUR_S, UP))
    assert availability(day, 2 * HOUR_S, HOUR_S).uptime_ratio == 1.0
    assert availability(day, 2 * HOUR_S, 24 * HOUR_S).uptime_ratio == 0.5
    assert day.within(2 * HOUR_S, 1800) == (Span(1.5 * HOUR_S, UP),)


def test_the_same_health_is_no_new_span_and_costs_no_new_object() -> None:
    before = timeline((0, UP))
    assert before.followed(UP, 10) is before


def test_a_clock_set_back_loses_nothing() -> None:
    odd = timeline((100, UP), (50, DOWN), (200, UP))
    assert [span.since for span in odd.spans] == [100, 100, 200]
    assert availability(odd, 250, HOUR_S).longest_outage_s == 100


def test_restarts_are_counted_per_window() -> None:
    counted = Timeline().restarted(2, 0.0).restarted(1, HOUR_S).restarted(0, HOUR_S)
    assert availability(counted, 1.5 * HOUR_S, HOUR_S).restarts == 1
    assert availability(counted, 1.5 * HOUR_S, 24 * HOUR_S).restarts == 3


def test_an_earlier_life_comes_first_and_the_gap_is_unknown() -> None:
    joined = timeline((200, UP)).after(timeline((0, UP), (50, DOWN)), until=100)
    assert [(span.since, span.health) for span in joined.spans] == [(0, UP), (50, DOWN), (100, UNKNOWN), (200, UP)]
    found = availability(joined, 300, HOUR_S)
    assert (found.known_s, found.longest_outage_s) == (200, 50)
    assert timeline((200, UP)).after(Timeline(), 100) == timeline((200, UP))


@given(st.lists(st.tuples(st.floats(0, 1e6), st.sampled_from(Health)), max_size=50), st.floats(1, 2 * KEPT_S))
def test_any_history_adds_up(steps: list[tuple[float, Health]], window_s: float) -> None:
    now = 0.0
    life = Timeline()
    for elapsed_s, health in steps:
        now += elapsed_s
        life = life.followed(health, now)
    found = availability(life, now, window_s)
    assert 0 <= found.known_s <= window_s + 1e-3
    assert found.uptime_ratio is None or 0 <= found.uptime_ratio <= 1
    assert found.longest_outage_s <= found.known_s + 1e-3
    assert list(life.spans) == sorted(life.spans, key=lambda span: span.since)


def test_a_camera_that_flaps_for_ever_fills_no_memory() -> None:
    life = Timeline()
    for at in range(2500):
        life = life.followed(UP if at % 2 else DOWN, float(at)).restarted(1, float(at))
    assert len(life.spans) <= 2000
    assert len(life.restarts) <= 2000
    assert availability(life, 2500, KEPT_S).known_s == 2000
