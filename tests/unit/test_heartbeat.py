"""When cycles count as no longer completing."""

from __future__ import annotations

import logging

import pytest

from restream.domain.heartbeat import Heartbeat
from restream.domain.news.alert import AlertRules, AlertSubject
from restream.domain.news.component import Component, ComponentState
from restream.supervisor.components import Components
from restream.supervisor.outlets.alert_watch import AlertWatch


@pytest.mark.parametrize(
    ("interval_s", "took_s", "limit_s"),
    [
        (2.0, 0.01, 6.0),
        (60.0, 0.01, 180.0),
        (0.2, 0.01, 3.0),
        (2.0, 5.0, 15.0),
        (2.0, None, 30.0),
        (60.0, None, 180.0),
    ],
)
def test_three_intervals_or_three_cycles_but_a_few_seconds_at_least(
    interval_s: float, took_s: float | None, limit_s: float
) -> None:
    heart = Heartbeat(interval_s, 100.0, took_s)
    assert heart.started is (took_s is not None)
    assert heart.silent_s(100.0 + limit_s - 0.01) is None
    assert heart.silent_s(100.0 + limit_s) == limit_s
    assert heart.silent_s(1000.0) == 900.0


def test_it_counts_from_the_last_completion() -> None:
    heart = Heartbeat(2.0, 0.0)
    for at in range(0, 100, 4):
        assert heart.silent_s(float(at)) is None
        heart = heart.beat(float(at), 0.1)
    assert heart.silent_s(101.9) is None
    assert heart.silent_s(102.0) == 6.0


def test_a_slow_cycle_gets_the_time_that_it_needs_and_a_quick_one_no_more() -> None:
    slow = Heartbeat(2.0, 0.0).beat(10.0, 9.0)
    assert slow.silent_s(36.9) is None
    assert slow.beat(20.0, 0.1).silent_s(26.0) == 6.0


def test_time_in_which_the_process_stood_still_does_not_count() -> None:
    heart = Heartbeat(2.0, 0.0).beat(10.0, 0.1)
    assert heart.silent_s(70.0) == 60.0
    assert heart.excused(58.0).silent_s(70.0) is None


def test_while_no_cycle_completes_alerts_tell_of_components_and_of_no_camera(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    watch = AlertWatch([], Components(), AlertRules(down_after_s=10.0, up_after_s=0.0, collect_s=0.0))
    camera = {"7": AlertSubject("7", health="down")}
    watch.tick(camera, {}, 0.0, 1000.0, 1)
    down = {"cycle": Component("cycle", ComponentState.DOWN, 0.0, "no cycle")}
    for at in (1.0, 12.0, 30.0):
        watch.without_cycle(down, at, 1000.0 + at)
    assert caplog.messages == ["alert: cycle component_down: no cycle"]
    watch.tick(camera, down, 35.0, 1035.0, 1)
    assert len(caplog.messages) == 1, "the camera's clock stood still meanwhile"
    watch.tick(camera, down, 45.0, 1045.0, 1)
    assert len(caplog.messages) == 2
