"""What a report says of a camera: every second once, planned time left out, unknown time stated."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restream.domain.history.figures import (
    CauseFigures,
    CauseKey,
    Figures,
    ReportSum,
    camera_figures,
    pieces,
)
from restream.domain.history.span import HealthSpan, SpanMark
from restream.domain.judgement.verdict import Health

UP, WEAK = SpanMark(Health.HEALTHY, site="North", name="Gate"), SpanMark(Health.DEGRADED, "srt_loss", "network")
DOWN, AWAY = SpanMark(Health.DOWN, "refused", "camera"), SpanMark(Health.DOWN, "unreachable", "network")
LOST, OFF = SpanMark(Health.UNKNOWN, "stale", "media_server"), SpanMark(Health.DISABLED, "disabled")
WORK = DOWN._replace(planned=True)
MARKS = [UP, WEAK, DOWN, AWAY, LOST, OFF, WORK, UP._replace(planned=True)]


def a_day(*stretches: tuple[float, SpanMark | None]) -> list[HealthSpan]:
    """Stretches one after the other, each so long; None: nothing is known."""
    spans, at = [], 0.0
    for length_s, mark in stretches:
        if mark is not None:
            spans.append(HealthSpan("1", at, at + length_s, mark))
        at += length_s
    return spans


def figures(*stretches: tuple[float, SpanMark | None], begin: float = 0.0, end: float | None = None) -> Figures:
    whole = sum(length_s for length_s, _ in stretches)
    return camera_figures("1", a_day(*stretches), begin, whole if end is None else end).figures


def test_availability_is_of_known_time_without_what_was_planned() -> None:
    found = figures((50, UP), (10, WEAK), (20, DOWN), (1000, WORK), (500, OFF), (300, None), (200, LOST), (20, UP))
    assert (found.up_s, found.degraded_s, found.down_s) == (80, 10, 20)
    assert (found.planned_s, found.disabled_s, found.unknown_s) == (1000, 500, 500)
    assert found.availability == 0.8


def test_nothing_known_is_no_availability() -> None:
    assert figures((10, LOST), (10, WORK), (10, OFF)).availability is None


@pytest.mark.parametrize(
    ("stretches", "outages", "longest_s", "repaired", "mean_s"),
    [
        pytest.param([(5, UP), (3, DOWN), (4, AWAY), (5, UP)], 1, 7, 1, 7, id="another cause is the same outage"),
        pytest.param(
            [(3, DOWN), (50, LOST), (4, DOWN), (5, UP)], 1, 7, 1, 7, id="unknown time neither ends nor counts"
        ),
        pytest.param([(3, DOWN), (50, None), (5, UP)], 1, 3, 1, 3, id="back after unknown time"),
        pytest.param([(3, DOWN), (5, WORK), (4, DOWN), (5, UP)], 2, 4, 1, 4, id="planned work ends it"),
        pytest.param([(3, DOWN), (5, OFF), (5, UP)], 1, 3, 0, None, id="switched off is not repaired"),
        pytest.param([(5, UP), (9, DOWN)], 1, 9, 0, None, id="goes on"),
        pytest.param([(2, DOWN), (1, UP), (6, DOWN), (1, WEAK)], 2, 6, 2, 4, id="two"),
    ],
)
def test_outages(
    stretches: list[tuple[float, SpanMark | None]], outages: int, longest_s: float, repaired: int, mean_s: float | None
) -> None:
    found = figures(*stretches)
    assert (found.outages, found.longest_s, found.repaired, found.repair_mean_s) == (
        outages,
        longest_s,
        repaired,
        mean_s,
    )


def test_of_an_outage_that_reaches_over_the_range_only_what_is_inside_counts() -> None:
    found = figures((10, UP), (100, DOWN), (10, UP), begin=50, end=115)
    assert (found.down_s, found.outages, found.longest_s, found.repair_mean_s, found.up_s) == (60, 1, 60, 60, 5)


def test_causes_have_their_own_time_and_an_outage_is_the_first_ones() -> None:
    found = camera_figures("1", a_day((5, UP), (3, DOWN), (4, AWAY), (5, UP), (1, DOWN)), 0, 18)
    assert found.causes == {
        CauseKey("refused", "camera"): CauseFigures(4, 2, 1),
        CauseKey("unreachable", "network"): CauseFigures(4, 0, 1),
    }


def test_a_node_that_is_gone_does_not_outlive_what_others_saw_later() -> None:
    spans = [HealthSpan("1", 0, 100, UP), HealthSpan("1", 30, 40, DOWN), HealthSpan("1", 60, 70, AWAY)]
    assert [(piece.began, piece.ended, piece.mark) for piece in pieces(spans, 0, 120)] == [
        (0, 30, UP),
        (30, 40, DOWN),
        (40, 60, UP),
        (60, 70, AWAY),
        (70, 100, UP),
        (100, 120, None),
    ]


def test_sums_by_site_and_the_worst() -> None:
    report = ReportSum()
    for number in range(30):
        mark = UP._replace(site=f"Site {number % 2}", name=f"Camera {number}")
        spans = [HealthSpan(str(number), 0, 100 - number, mark), HealthSpan(str(number), 100 - number, 100, DOWN)]
        spans[1] = spans[1]._replace(mark=DOWN._replace(site=mark.site, name=mark.name))
        report.add(camera_figures(str(number), spans, 0, 100))
    assert [camera.camera for camera in report.worst] == [str(number) for number in range(29, 19, -1)]
    assert {site: (each.cameras, each.figures.down_s) for site, each in report.by_site.items()} == {
        "Site 0": (15, sum(range(0, 30, 2))),
        "Site 1": (15, sum(range(1, 30, 2))),
    }
    assert report.by_cause == {CauseKey("refused", "camera"): CauseFigures(sum(range(30)), 29, 29)}


any_spans = st.lists(
    st.tuples(st.integers(-50, 150), st.integers(0, 120), st.sampled_from(MARKS)), min_size=1, max_size=25
).map(
    lambda found: sorted(
        (HealthSpan("1", float(began), float(began + length), mark) for began, length, mark in found),
        key=lambda span: span.began,
    )
)


@given(any_spans, st.integers(-60, 160), st.integers(0, 200))
def test_every_second_of_the_range_is_counted_once(spans: list[HealthSpan], begin: int, length: int) -> None:
    """Whatever overlaps: the sums are the range, and each second is judged by the span that began last."""
    end = begin + length
    found = camera_figures("1", spans, begin, end).figures
    counted = found.up_s + found.down_s + found.planned_s + found.disabled_s + found.unknown_s
    assert counted == pytest.approx(length)
    up = 0
    for second in range(begin, end):
        over = [span for span in spans if span.began <= second and (span.ended or 0) > second]
        if over:
            mark = over[-1].mark
            up += mark.state in (Health.HEALTHY, Health.DEGRADED) and not mark.planned
    assert found.up_s == up
    assert found.longest_s <= found.down_s + 1e-9 and found.repaired <= found.outages
    assert found.repair_s <= found.down_s + 1e-9 and found.degraded_s <= found.up_s


@given(any_spans, st.lists(st.integers(0, 200), max_size=6))
def test_a_range_is_the_sum_of_its_parts(spans: list[HealthSpan], cuts: list[int]) -> None:
    """But for outages, which a cut makes two of."""
    bounds = [0, *sorted(cuts), 200]
    whole = camera_figures("1", spans, 0, 200).figures
    parts = [camera_figures("1", spans, begin, end).figures for begin, end in itertools.pairwise(bounds)]
    assert [sum(part[each] for part in parts) for each in range(6)] == pytest.approx(list(whole[:6]))
    assert sum(part.outages for part in parts) >= whole.outages


@given(any_spans)
def test_planned_time_changes_nothing_but_itself(spans: list[HealthSpan]) -> None:
    """Whatever a camera does in announced work, its availability is the same."""
    planned = [
        span._replace(mark=span.mark._replace(state=Health.HEALTHY)) if span.mark.planned else span for span in spans
    ]
    one, two = (camera_figures("1", each, -50, 300).figures for each in (spans, planned))
    assert one == two
