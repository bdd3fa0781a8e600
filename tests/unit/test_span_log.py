"""What is written of cameras: spans without a gap while somebody watches, never better than it was, bounded."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from restream.domain.history.span import HealthSpan, SpanMark
from restream.domain.history.span_log import SpanLog
from restream.domain.judgement.verdict import Health

UP, DOWN = SpanMark(Health.HEALTHY), SpanMark(Health.DOWN, "refused", "camera")
WEAK, LOST = SpanMark(Health.DEGRADED, "srt_loss", "network"), SpanMark(Health.UNKNOWN, "stale", "media_server")
BEGIN = 1_700_000_000.0
_UP = (Health.HEALTHY, Health.DEGRADED)


class Table:
    """What a store has: the last that it was told of each number."""

    def __init__(self, log: SpanLog) -> None:
        self.log = log
        self.rows: dict[int, HealthSpan] = {}

    def write(self, most: int = 10_000, *, fails: bool = False) -> None:
        batch = self.log.take(most)
        if not fails:
            self.rows.update(batch)
            self.log.written(batch)

    def all_of(self, camera: str) -> list[tuple[float, float | None, str]]:
        return [
            (span.began - BEGIN, None if span.ended is None else span.ended - BEGIN, str(span.mark.state))
            for span in self.rows.values()
            if span.camera == camera
        ]


def test_a_span_for_each_stretch_and_the_last_one_goes_on() -> None:
    log = SpanLog()
    table = Table(log)
    for second, mark in enumerate([UP, UP, DOWN, DOWN, UP]):
        log.follow({"1": mark}, BEGIN + second)
        table.write()
    assert table.all_of("1") == [(0, 2, "healthy"), (2, 4, "down"), (4, None, "healthy")]
    assert log.waiting == 0 and log.seen_at == BEGIN + 4


def test_a_camera_that_is_gone_was_seen_last_in_the_look_before() -> None:
    log = SpanLog()
    table = Table(log)
    for second, marks in enumerate([{"1": UP, "2": UP}, {"1": UP, "2": UP}, {"2": UP}]):
        log.follow(marks, BEGIN + second)
    table.write()
    assert table.all_of("1") == [(0, 1, "healthy")] and table.all_of("2") == [(0, None, "healthy")]


def test_a_camera_of_one_look_is_ended_where_it_may_be_written_already() -> None:
    log = SpanLog()
    table = Table(log)
    log.follow({"1": UP}, BEGIN)
    table.write(fails=True)
    log.follow({}, BEGIN + 1)
    table.write()
    assert table.all_of("1") == [(0, 0, "healthy")]


def test_time_in_which_nobody_watched_is_in_no_span() -> None:
    log = SpanLog()
    table = Table(log)
    for second in (0, 10, 5000, 5010):
        log.follow({"1": UP}, BEGIN + second)
    table.write()
    assert table.all_of("1") == [(0, 10, "healthy"), (5000, None, "healthy")]


def test_a_clock_that_was_set_back_ends_what_was_before() -> None:
    log = SpanLog()
    table = Table(log)
    for second in (0, 10, -3000, -2990):
        log.follow({"1": UP}, BEGIN + second)
    table.write()
    assert table.all_of("1") == [(0, 10, "healthy"), (-3000, None, "healthy")]


def test_numbers_are_greater_than_those_of_earlier_lives() -> None:
    log = SpanLog()
    log.follow({"1": UP, "2": DOWN}, BEGIN)
    log.follow({"1": DOWN, "2": DOWN}, BEGIN + 1)
    table = Table(log)
    later = int(BEGIN * 1000) + 10**9
    log.number_after(later)
    table.write()
    log.follow({"1": UP, "2": DOWN}, BEGIN + 2)
    table.write()
    assert min(table.rows) == later + 1 and len(table.rows) == 4
    assert table.all_of("1") == [(0, 1, "healthy"), (1, 2, "down"), (2, None, "healthy")]


def test_what_piles_up_is_bounded_and_ends_of_what_the_store_has_are_kept() -> None:
    log = SpanLog(most_waiting=10)
    table = Table(log)
    log.follow({"1": UP}, BEGIN)
    table.write()
    for second in range(1, 100):
        log.follow({"1": UP if second % 2 else DOWN}, BEGIN + second)
        log.follow({"1": WEAK}, BEGIN + second + 0.5)
    assert log.waiting <= 11 and log.dropped_total > 0
    table.write()
    assert table.all_of("1")[0] == (0, 1.5, "healthy") or table.all_of("1")[0][1] is not None


def test_a_camera_that_flaps_all_day_writes_a_bounded_number_and_never_better_than_it_is() -> None:
    log = SpanLog()
    table = Table(log)
    truth_up = 0
    for second in range(0, 86_400, 10):
        up = second // 10 % 2 == 0
        truth_up += 10 * up
        log.follow({"1": UP if up else DOWN}, BEGIN + second)
    table.write(100_000)
    spans = [(began, 86_400.0 if ended is None else ended, state) for began, ended, state in table.all_of("1")]
    assert len(spans) < 1000
    assert sum(ended - began for began, ended, state in spans if state == "healthy") <= truth_up
    assert sum(ended - began for began, ended, _ in spans) == 86_400


looks = st.lists(
    st.tuples(
        st.floats(0.5, 90),
        st.dictionaries(st.sampled_from("abc"), st.sampled_from([UP, DOWN, WEAK, LOST])),
        st.sampled_from(["written", "fails", "lost", "later"]),
    ),
    max_size=60,
)


@given(looks)
def test_spans_of_a_camera_never_overlap_and_never_say_more_than_was_seen(
    looks: list[tuple[float, dict[str, SpanMark], str]],
) -> None:
    """Whatever is written when, also where the store has taken a batch and its answer was lost."""
    log = SpanLog()
    table = Table(log)
    at, seen = BEGIN, []
    for step_s, marks, fate in looks:
        at += step_s
        seen.append((at, marks))
        log.follow(marks, at)
        if fate == "lost":
            table.rows.update(log.take(3))
        elif fate != "later":
            table.write(3, fails=fate == "fails")
    table.write()
    for camera in "abc":
        spans = sorted((span for span in table.rows.values() if span.camera == camera), key=lambda span: span.began)
        for one, following in itertools.pairwise(spans):
            assert one.ended is not None and one.ended <= following.began
        for (begin, before), (end, _) in itertools.pairwise(seen):
            told = [each.mark for each in spans if each.began <= begin and (each.ended is None or each.ended > begin)]
            watched = camera in before and end - begin <= 60 and camera in dict(seen)[end]
            if watched:
                assert len(told) == 1
                assert before[camera].state in _UP or told[0].state not in _UP
            elif camera not in before:
                assert told == []
